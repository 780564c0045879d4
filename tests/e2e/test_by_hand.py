"""Acts beside the run on a real engine: speed, home, reset, verify, what is written."""

from __future__ import annotations

import pytest

from aspire_tui.events import Bookmarked, HandAct, Note, VerdictOverridden
from drivers.client import StateStream
from drivers.runtime_dir import cell_paths
from tests.e2e.kills import _reader
from tests.e2e.test_bench import events, until
from tests.e2e.test_standing import attached


def acts(reader, what: str) -> list[HandAct]:  # type: ignore[no-untyped-def]
    return [r.event for r in events(reader, HandAct) if r.event.act == what]


@pytest.mark.long
def test_by_hand_between_trials(bench) -> None:  # type: ignore[no-untyped-def]
    command = bench.start("run", "cube_stack", "--rounds", "0", "--speed", "4", "--json")
    stream = None
    try:
        reader = _reader(bench)
        client = attached(bench, reader)
        stream = StateStream(cell_paths("yam", bench.runtime / "aspire").folder.as_posix())
        until(reader.trials, "a trial begins")
        assert client.send("pause_agent", {"on": True}).accepted

        assert client.send("speed", {"fraction": 0.25}).accepted
        until(lambda: (s := stream.wait(0.2)) and s.status.speed == 0.25, "the cell is slower")
        assert acts(reader, "speed")[0].text == "25 %"
        assert not client.send("speed", {"fraction": 4.0}).accepted
        assert not client.send("speed", {"fraction": 0.5}, role="viewer").accepted
        assert client.send("speed", {"fraction": 1.0}).accepted

        refused = client.send("home")
        assert not refused.accepted and "trial is at the bench" in refused.reason
        closed = until(lambda: [t for t in reader.trials() if t.closed_seq], "the trial ends")[0]
        held_out = client.send("reset", {"seed": 4 * 77 + 2})
        assert not held_out.accepted and "held_out" in held_out.reason

        assert until(lambda: client.send("reset").accepted, "the bench is free")
        busy = client.send("verify")
        assert not busy.accepted and "reset is under way" in busy.reason
        done = until(lambda: acts(reader, "reset"), "the scene is set")[0]
        assert done.reset is not None and done.reset.outcome == "ok" and done.seed & 3 == 3
        assert until(lambda: client.send("verify").accepted, "free again")
        judged = until(lambda: acts(reader, "verify"), "judged")[0]
        assert judged.verdict is not None and judged.verdict.outcome == "FAIL"
        assert until(lambda: client.send("home").accepted, "free again")
        assert until(lambda: acts(reader, "home"), "home")[0].done
        counts = reader.snapshot().counts
        assert sum(c.n + c.unjudged for c in counts.values()) == 1, "acts by hand count nowhere"

        assert not client.send("override", {"trial": 1, "outcome": "PASS", "note": " "}).accepted
        assert not client.send("override", {"trial": 99, "outcome": "PASS", "note": "x"}).accepted
        said = {"trial": 1, "outcome": "UNSURE", "note": "the lamp flickered"}
        assert client.send("override", said).accepted
        over = events(reader, VerdictOverridden)[0].event
        assert (over.before, over.outcome, over.who) == (closed.outcome, "UNSURE", "tester")
        assert reader.snapshot().counts == counts, "what was counted stays counted"
        assert client.send("bookmark", {"name": "odd light", "seq": 5}).accepted
        assert events(reader, Bookmarked)[0].event.seq == 5
        assert not client.send("bookmark", {"seq": 10**6}).accepted
        assert client.send("note", {"text": "swapped the lamp"}).accepted
        assert "tester: swapped the lamp" in [r.event.text for r in events(reader, Note)]
        assert client.send("stop").accepted
        assert command.wait(timeout=30) == 4
    finally:
        if stream is not None:
            stream.close()
        command.kill()
        command.wait()
