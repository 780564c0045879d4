"""A person at a prompt with an editor: comments come and go, a mistake is mended and proven."""

from __future__ import annotations

import io
from pathlib import Path

from aspire_tui.environment.task import TaskDef
from aspire_tui.environment.task_file import find_task
from aspire_tui.improvement.manual.agent import ManualAgent
from aspire_tui.improvement.manual.draft import Failure, draft, read_back
from aspire_tui.improvement.manual.terminal import EditorFailed, Terminal, editor_of
from aspire_tui.improvement.tools import (
    CallBrief,
    CallDetail,
    Judged,
    Opened,
    ToolRefused,
    TrialBrief,
)

BUILT_IN = Path(__file__).resolve().parents[2] / "aspire_tui" / "environment" / "tasks"
TEXT = "a = find('cube')\nif a:\n    goto(a)\nRESULT = True\n"
TRIAL = TrialBrief(3, 2, "FAIL", "returned", "it slipped", 2)
CALLS = [
    CallBrief(1, "find", "OK", 1, 0.1, "found"),
    CallBrief(2, "goto", "BLOCKED", 3, 1.5, "12 mm\nshort \x1b[2J"),
]
DETAIL = CallDetail(2, "goto", "BLOCKED", 3, {"position": [1, 2]}, None, "12 mm short", 0.012)


def test_what_is_saved_is_the_program_without_our_comments() -> None:
    text = draft(TEXT, ["hypothesis 1"], Failure(TRIAL, CALLS, DETAIL, ()))
    marked = [line for line in text.splitlines() if "explains the failure" in line]
    assert len(marked) == 1 and marked[0].startswith("    #| ^^^ explains the failure: call 2 goto")
    lines = text.splitlines()
    assert lines[lines.index(marked[0]) - 1] == "    goto(a)"
    assert read_back(text) == (TEXT, "")
    assert read_back(text.replace("what a trial can prove wrong", "it was too far"))[1] == (
        "it was too far"
    )


class Bench:
    """The tools, with a cell that passes a program in which nothing says ``wrong``."""

    board: tuple[dict[str, object], ...] = ()
    """What a run that is taken up again knows of its past."""

    def __init__(self, first: str) -> None:
        self.first, self.opened, self.ran, self.ended = first, [], [], None  # type: ignore[var-annotated]

    def task(self) -> TaskDef:
        return find_task("cube_stack", (BUILT_IN,))

    def use(self, tool: str, args: object) -> object:
        if tool == "told":
            return {"messages": []}
        if tool == "program":
            return TEXT
        return self.board if tool == "leaderboard" else []

    def open_hypothesis(self, *, program: str, **fields: object) -> Opened:
        if "import os" in program:
            return Opened(None, "", ("line 1: os is not for programs",))
        self.opened.append((program, fields))
        return Opened(len(self.opened), "sha")

    def run(self, hypothesis: int, scenes: list[int], *, bench: bool) -> list[TrialBrief]:
        program = self.opened[hypothesis - 1][0]
        outcome = "FAIL" if "red cube" in program else "PASS"
        self.ran.append((hypothesis, scenes, bench))
        trial = 10 * hypothesis
        return [TrialBrief(trial + s, s, outcome, "returned", "so", 2) for s in scenes]

    def calls(self, trial: int) -> list[CallBrief]:
        return CALLS

    def call(self, trial: int, call: int) -> CallDetail:
        return DETAIL

    def checks(self, trial: int) -> list[object]:
        return []

    def judge(self, hypothesis: int) -> Judged:
        return Judged("kept", "10 of 10 against 2", 10, 10)

    def finish(self, best: int | None, summary: str) -> None:
        self.ended = best


def at_the_prompt(tmp_path: Path, typed: str, edit: object) -> tuple[Bench, str]:
    bench, sink = Bench(TEXT), io.StringIO()
    terminal = Terminal(io.StringIO(typed), sink, edit, colour=False)  # type: ignore[arg-type]
    ManualAgent(bench, terminal, tmp_path, 4).run()  # type: ignore[arg-type]
    return bench, sink.getvalue()


def test_edit_check_difference_run_judge(tmp_path: Path) -> None:
    """The first save is refused by the policy, and comes back with the findings in it."""
    seen: list[str] = []

    def edit(path: Path) -> None:
        text = path.read_text()
        seen.append(text)
        if len(seen) == 1:
            path.write_text(text + "import os\n")
        else:
            path.write_text(text.replace("red cube", "green cube").replace("import os\n", ""))

    bench, shown = at_the_prompt(tmp_path, "e\ny\na\nj\nq\n", edit)
    assert "explains the failure" in seen[0] and "scene 0: FAIL" in seen[0]
    assert "#| line 1: os is not for programs" in seen[1]
    assert [r[1:] for r in bench.ran] == [([0], True), ([0], True), ([0, 1, 2, 3], False)]
    assert "hypothesis 2 passes 4 of 4 dev scenes" in shown and "kept: 10 of 10" in shown
    assert bench.opened[1][1]["parent"] == 1 and bench.opened[1][1]["difference"].startswith("+")
    assert bench.ended == 2


def test_an_unchanged_text_is_not_run_again_and_a_broken_editor_is_said(tmp_path: Path) -> None:
    def broken(_: Path) -> None:
        raise EditorFailed("nano ended with 1; nothing was taken over")

    bench, shown = at_the_prompt(tmp_path, "e\nq\n", lambda _: None)
    assert len(bench.ran) == 1 and "nothing changed" in shown
    bench, shown = at_the_prompt(tmp_path, "e\nx\no 2\n", broken)
    assert "nothing was taken over" in shown and "x: no such command" in shown
    assert bench.ended == 1  # the terminal is gone: that is the end as well


def test_a_used_up_budget_is_told_takes_a_finding_and_ends_it(tmp_path: Path) -> None:
    class Spent(Bench):
        left = "2 trials are used up"

        def run(self, hypothesis: int, scenes: list[int], *, bench: bool) -> list[TrialBrief]:
            if self.ran:
                raise ToolRefused(self.left)
            return super().run(hypothesis, scenes, bench=bench)

        def use(self, tool: str, args: object) -> object:
            return {"exhausted": self.left} if tool == "budget" else super().use(tool, args)

        def say(self, text: str, role: str = "message") -> None:
            self.said = (text, role)

    bench, sink = Spent(TEXT), io.StringIO()
    typed = io.StringIO("x\nr\nthe left finger slips\nr\n")
    terminal = Terminal(typed, sink, lambda _: None, colour=False)
    ManualAgent(bench, terminal, tmp_path, 4).run()  # type: ignore[arg-type]
    assert bench.said == ("the left finger slips", "finding") and bench.ended == 1
    assert "2 trials are used up: the run ends here" in sink.getvalue()
    assert typed.read() == "r\n", "nothing is asked any more"


def test_what_a_trace_holds_cannot_steer_the_terminal(tmp_path: Path) -> None:
    _, shown = at_the_prompt(tmp_path, "e\nq\n", lambda _: None)
    assert "\x1b" not in shown


def test_the_editor_is_the_operators_own(tmp_path: Path) -> None:
    script = tmp_path / "my editor.sh"
    script.write_text('#!/bin/sh\nprintf "%s" "$1" > "$2"\n')
    script.chmod(0o755)
    editor_of({"EDITOR": f"'{script}' edited", "VISUAL": ""})(tmp_path / "p.py")
    assert (tmp_path / "p.py").read_text() == "edited"


def test_a_run_that_is_taken_up_again_goes_on_from_its_tree(tmp_path: Path) -> None:
    first = {"hypothesis": 1, "parent": None, "status": "open", "claim": "plain", "dev": "0/1",
             "selection": "not run", "lines": 4, "reason": ""}  # fmt: skip
    bench, sink = Bench(TEXT), io.StringIO()
    bench.board = ({**first, "hypothesis": 4, "parent": 1, "claim": "closer"}, first)
    terminal = Terminal(io.StringIO("q\n"), sink, lambda _: None, colour=False)
    ManualAgent(bench, terminal, tmp_path, 4).run()  # type: ignore[arg-type]
    assert not bench.opened and not bench.ran, "nothing is done anew"
    assert "You are at hypothesis 4" in sink.getvalue() and bench.ended == 4


def test_the_program_is_listed_with_what_its_calls_did(tmp_path: Path) -> None:
    _, shown = at_the_prompt(tmp_path, "r\nl\nw 1\nq\n", lambda _: None)
    assert "running hypothesis 1 on scene 0" in shown and "w A B: two trials" in shown
    lines = shown.splitlines()
    at = next(n for n, line in enumerate(lines) if "^^^ explains the failure: call 2" in line)
    assert lines[at - 1].startswith("   3  ")  # the line that the trace names
