"""A team in one session, and what a search refuses before it begins."""

from __future__ import annotations

import pytest

from aspire_tui.environment.task_file import SHIPPED
from aspire_tui.events import AgentSaid, HypothesisOpened
from aspire_tui.session.reader import SessionReader
from tests.e2e.conftest import Bench

CRITERION = "[criterion]\nheld_out_n = 2\nmin_lower_bound = 0.05\ndev_n = 2\nselection_n = 5\n"


def easy_task(bench: Bench, name: str) -> str:
    """Lifting a cube, with a search of a few trials."""
    text = (SHIPPED / "cube_lift.toml").read_text()
    path = bench.home / f"{name}.toml"
    path.write_text(text.replace('"cube_lift"', f'"{name}"', 1) + "\n" + CRITERION)
    return str(path)


def test_two_agents_on_two_tasks_share_a_session_and_nothing_else(bench: Bench) -> None:
    tasks = [easy_task(bench, name) for name in ("one", "two")]
    answer = bench.run("run", *tasks, "--team", "2", "--noise-off", "--headless", "--json")
    assert answer.code == 0, answer.err[-2000:]
    said = answer.json
    assert said["outcome"] == "PASS"
    with SessionReader(said["session"]) as reader:
        assert reader.verify() == []
        opened = [e.event for e in reader.events(kinds=("hypothesis",))]
        assert sorted(e.author for e in opened if isinstance(e, HypothesisOpened)) == [
            "rules-1",
            "rules-2",
        ]
        last = [t.task for t in reader.trials() if t.seed_set == "held_out"]
        assert sorted(last) == ["one", "one", "two", "two"]  # each task its own held-out scenes
        ended = reader.snapshot().ended
        assert ended is not None and ended.n == 4
        by_member = {t.hypothesis: t.task for t in reader.trials()}
        assert set(by_member.values()) == {"one", "two"} and len(by_member) == 2
        talk = [e.event for e in reader.events(kinds=("agent_said",))]
        assert {e.by for e in talk if isinstance(e, AgentSaid)} == {"rules-1", "rules-2"}


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--candidates", "8", "--max-trials", "20"], "--candidates 5"),
        (["--until", "40/40"], "32 selection scenes"),
        (["--until", "often"], "say run, first, K/N"),
        (["--executor", "ssh://far"], "expected local, or dask://HOST[:PORT]"),
        (["--team", "2", "--agent", "mcp"], "mcp works alone"),
        (["cube_lift"], "--team 1"),
    ],
)
def test_a_search_that_cannot_be_is_one_line(bench: Bench, args: list[str], said: str) -> None:
    answer = bench.run("run", "cube_stack", "--headless", *args)
    assert answer.code == 2 and said in answer.err
    assert answer.err.strip().count("\n") == 0 and "Traceback" not in answer.err
