"""What judges a session is compared with itself, file by file, before every trial."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from aspire_tui.engine.evaluation import DIFF_LINES, Evaluation, in_words, text_difference
from aspire_tui.engine.hashes import evaluation_of
from aspire_tui.environment.task_file import SHIPPED
from aspire_tui.rollout import bulk
from aspire_tui.rollout.in_force import LOADED, OtherCode, differing

CELL = Path(bulk.__file__).parents[2] / "drivers" / "cells" / "yam.toml"


def test_an_unchanged_file_is_no_change_and_an_edited_one_is_shown(tmp_path: Path) -> None:
    judge = tmp_path / "verify.py"
    judge.write_text("TOLERANCE_M = 0.01\nprint()\n")
    evaluation = Evaluation({"verifier": [judge], "referee": [judge]})
    before = evaluation.hashes()
    assert evaluation.changes() == ()
    judge.write_text("TOLERANCE_M = 0.10\nprint()\n")
    (change,) = evaluation.changes()
    assert (change.name, change.path) == ("verifier", str(judge))
    assert change.before != change.after
    assert "-TOLERANCE_M = 0.01\n+TOLERANCE_M = 0.10" in change.diff
    assert "verifier (verify.py +1 -1 lines)" in in_words([change])
    assert evaluation.hashes() == before
    judge.write_text("TOLERANCE_M = 0.01\nprint()\n")
    assert evaluation.changes() == ()


def test_a_file_that_is_gone_and_one_that_is_no_text_are_changes_too(tmp_path: Path) -> None:
    a, b = tmp_path / "a.bin", tmp_path / "b.py"
    a.write_bytes(b"\xff\x00")
    b.write_text("x\n")
    evaluation = Evaluation({"one": [a], "two": [b]})
    a.write_bytes(b"\xff\x01")
    b.unlink()
    one, two = evaluation.changes()
    assert one.diff == "" and two.after == ""
    assert "b.py is gone" in in_words([one, two])


def test_a_long_difference_is_cut_and_says_so() -> None:
    diff = text_difference(b"", "\n".join(map(str, range(500))).encode())
    assert len(diff.splitlines()) == DIFF_LINES + 1
    assert diff.splitlines()[-1].endswith("more lines")


def test_everything_the_promise_names_is_watched() -> None:
    evaluation = evaluation_of(CELL, [SHIPPED / "cube_lift.toml"])
    assert {
        "reset",
        "verifier",
        "referee",
        "perception",
        "seeds",
        "scoring",
        "limits code",
        "cell file",
        "task file cube_lift",
    } <= evaluation.hashes().keys()
    # Engine and workers hash the same files to the same values.
    assert differing(evaluation.hashes(), LOADED) == ()


def test_a_worker_with_other_code_runs_no_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = bulk.WorkerSpec(str(CELL), True, ("A", "B"), judged_by={"verifier": "0" * 64})
    worker = bulk._Worker(spec, None, None, LOADED)  # type: ignore[arg-type]
    monkeypatch.setattr(bulk._Process, "worker", worker)
    with pytest.raises(OtherCode) as other:
        bulk.run_job(spec, None)  # type: ignore[arg-type]
    assert other.value.names == ("verifier",)


def test_a_difference_of_a_worker_survives_the_way_home() -> None:
    import pickle

    assert pickle.loads(pickle.dumps(OtherCode(("reset",)))).names == ("reset",)


def test_trials_refuse_and_say_so_once(tmp_path: Path) -> None:
    from aspire_tui.engine.evaluation import EvaluationRefused
    from aspire_tui.engine.trials import Trials
    from aspire_tui.events import EvaluationChanged
    from aspire_tui.session.keeping import Retention, Room

    judge = tmp_path / "seeds.py"
    judge.write_text("a\n")
    evaluation = Evaluation({"seeds": [judge]})
    written: list[object] = []

    class Book:
        async def write(self, *events: object) -> None:
            written.extend(events)

    room = Room(tmp_path, Retention())
    trials = Trials(Book(), None, None, None, evaluation, room)  # type: ignore[arg-type]

    async def twice() -> None:
        await trials._may_start()
        judge.write_text("b\n")
        for _ in range(2):
            with pytest.raises(EvaluationRefused, match="seeds"):
                await trials._may_start()

    asyncio.run(twice())
    (told,) = written
    assert isinstance(told, EvaluationChanged)
    assert "+b" in told.changes[0].diff
