"""The operator as the agent: edit, check, see the difference, run, look, until it holds.

A debugger's prompt over the tools every agent has; it knows nothing they do not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from aspire_tui.improvement.edits import difference
from aspire_tui.improvement.manual.draft import (
    OURS,
    Failure,
    draft,
    in_one_line,
    read_back,
    story,
)
from aspire_tui.improvement.manual.terminal import EditorFailed, Terminal
from aspire_tui.improvement.present import present
from aspire_tui.improvement.remote import RemoteTools
from aspire_tui.improvement.rules.compose import CannotCompose, compose
from aspire_tui.improvement.tools import ToolRefused, TrialBrief

HELP: Final = """\
e edit and run          r [SCENE] run at the bench       a run all dev scenes in workers
l the program, with what its calls did at their lines    w A B where two trials part
c [TRIAL] its calls     o CALL [TRIAL] open one call     k [TRIAL] the verifier's checks
d difference to parent  b leaderboard, b N go on from N  s skills that fit, s NAME splice one in
j judge on unseen scenes   p primitives, p NAME          ? this help        q finish"""


@dataclass
class Node:
    """A program the operator has run."""

    hypothesis: int
    program: str
    parent: str = ""
    results: dict[int, TrialBrief] = field(default_factory=dict)

    def failing(self) -> TrialBrief | None:
        return next((r for _, r in sorted(self.results.items()) if r.outcome != "PASS"), None)


class ManualAgent:
    """One person at a prompt."""

    def __init__(self, tools: RemoteTools, terminal: Terminal, folder: Path, dev_n: int) -> None:
        self._tools, self._terminal = tools, terminal
        self._file = folder / "program.py"
        self._dev_n = dev_n
        self._at: Node | None = None
        self._refused = False
        self._nodes: dict[int, Node] = {}
        self._acts: dict[str, Callable[[list[str]], None]] = {
            "e": self._edit, "r": self._run, "a": self._run_all, "c": self._calls,
            "o": self._open_call, "k": self._checks, "d": self._diff, "b": self._board,
            "l": self._list, "w": self._where, "s": self._skills, "j": self._judge,
            "p": self._primitives, "?": self._help,
        }  # fmt: skip

    def run(self) -> None:
        """Until the operator quits or the terminal is gone; always ends with ``finish``."""
        task = self._tools.task()
        show = self._terminal.show
        show(f"Task: {task.instruction}", "strong")
        show("You are the agent. A screen on this run: aspire-tui attach (in another terminal).")
        if not self._take_up():
            self._guarded(self._first, task)
        self._help([])
        while (line := self._terminal.ask("(manual)")) is not None:
            words = line.split()
            self._hear()
            if words[:1] == ["q"]:
                break
            if not words:
                continue
            act = self._acts.get(words[0])
            if act is None:
                show(f"{words[0]}: no such command; ? lists them", "bad")
            else:
                self._guarded(act, words[1:])
                if self._spent():
                    break
        best = self._at.hypothesis if self._at else None
        self._tools.finish(best, "the operator finished")

    def _spent(self) -> bool:
        """Whether what was refused was refused for good; then findings may be written."""
        left = self._tools.use("budget", {}) if self._refused else None
        self._refused = False
        why = left["exhausted"] if isinstance(left, Mapping) else ""
        if not why:
            return False
        self._terminal.show(f"{why}: the run ends here", "bad")
        found = self._terminal.ask("what did you find? (one line)")
        if found:
            self._tools.say(found, "finding")
        return True

    def _guarded(self, act: Callable[[Any], None], given: Any) -> None:
        try:
            act(given)
        except (ToolRefused, EditorFailed) as refusal:
            self._refused = isinstance(refusal, ToolRefused)
            self._terminal.show(str(refusal), "bad")

    def _hear(self) -> None:
        told = self._tools.use("told", {})
        for message in told["messages"] if isinstance(told, Mapping) else ():
            self._terminal.show(f"somebody writes: {message}", "strong")

    def _take_up(self) -> bool:
        """Go on from the tree of a run that is taken up again; False when there is none."""
        board: Any = self._tools.use("leaderboard", {})
        for row in board:
            number = int(row["hypothesis"])
            program = self._tools.use("program", {"hypothesis": number})
            self._nodes[number] = Node(number, str(program))
        for row in board:
            if row["parent"]:
                node, parent = self._nodes[int(row["hypothesis"])], self._nodes[int(row["parent"])]
                node.parent = parent.program
        if not board:
            return False
        self._at = self._nodes[int(board[0]["hypothesis"])]
        self._terminal.show("This run goes on where it stopped. Its hypotheses, best first:")
        self._present("leaderboard", {})
        said = f"You are at hypothesis {self._at.hypothesis}; r runs it, b N goes on from another."
        self._terminal.show(said, "strong")
        return True

    def _first(self, task: Any) -> None:
        """The plain program, where the task's data is enough for one."""
        try:
            program = compose(task)
        except CannotCompose as error:
            self._terminal.show(f"no plain program: {error}; begin with an empty one (e)", "bad")
            return
        self._take(program, "the plain program does the task", "first program")
        self._run(["0"])

    def _edit(self, _: list[str]) -> None:
        """The editor until the text passes the policy, then the difference, then the failing scene.

        A text that is saved unchanged is not run again.
        """
        at = self._at
        before = at.program if at else "RESULT = False\n"
        failing = at.failing() if at else None
        head = [self._headline(at)] if at else []
        text = draft(before, head, self._opened(failing) if failing else None)
        while True:
            self._file.write_text(text, "utf-8")
            self._terminal.editor(self._file)
            program, claim = read_back(self._file.read_text("utf-8", "replace"))
            if program == before:
                self._terminal.show("nothing changed")
                return
            changed = difference(before, program)
            self._show_diff(changed)
            findings = self._take(program, claim or "the edit repairs it", in_one_line(changed))
            if not findings:
                break
            for finding in findings:
                self._terminal.show(finding, "bad")
            if self._terminal.ask("again? [Y/n]") in (None, "n", "N"):
                return
            text = draft(program, findings, None)
        self._run([str(failing.seed_index)] if failing else ["0"])

    def _take(self, program: str, claim: str, changed: str) -> tuple[str, ...]:
        """Put it into the tree; what the policy finds wrong otherwise."""
        parent = self._at
        opened = self._tools.open_hypothesis(
            claim=claim[:400],
            difference=changed,
            if_wrong="the same call or check fails again",
            program=program,
            parent=parent.hypothesis if parent else None,
        )
        if opened.hypothesis is None:
            return opened.findings
        self._at = Node(opened.hypothesis, program, parent.program if parent else "")
        self._nodes[opened.hypothesis] = self._at
        return ()

    def _run(self, words: list[str]) -> None:
        self._measure([int(words[0]) if words and words[0].isdigit() else 0], bench=True)

    def _run_all(self, _: list[str]) -> None:
        self._measure(list(range(self._dev_n)), bench=False)

    def _measure(self, scenes: list[int], *, bench: bool) -> None:
        node = self._need()
        what = f"scene {scenes[0]}" if len(scenes) == 1 else f"{len(scenes)} scenes"
        self._terminal.show(f"running hypothesis {node.hypothesis} on {what} …", "dim")
        for brief in self._tools.run(node.hypothesis, scenes, bench=bench):
            node.results[brief.seed_index] = brief
            role = "ok" if brief.outcome == "PASS" else "bad"
            line = f"scene {brief.seed_index}: trial {brief.trial} {brief.outcome}. {brief.reason}"
            self._terminal.show(line, role)
        self._terminal.show(self._headline(node), "strong")
        failing = node.failing()
        if failing is not None:
            for line in story(self._opened(failing)):
                self._terminal.show(f"  {line}")
            self._terminal.show("next: e mends it, s shows skills that fit, l lists it", "dim")
        elif len(node.results) < self._dev_n:
            self._terminal.show(f"next: a runs all {self._dev_n} dev scenes", "dim")
        elif node.parent:
            self._terminal.show("next: j judges it on scenes nobody has seen, q finishes", "dim")

    def _headline(self, node: Node) -> str:
        passed = sum(r.outcome == "PASS" for r in node.results.values())
        return f"hypothesis {node.hypothesis} passes {passed} of {len(node.results)} dev scenes"

    def _opened(self, trial: TrialBrief) -> Failure:
        """A trial's calls, the one that explains it, and the checks that failed."""
        opened = None
        if trial.implicated is not None:
            opened = self._tools.call(trial.trial, trial.implicated)
        return Failure(
            trial, self._tools.calls(trial.trial), opened, self._tools.checks(trial.trial)
        )

    def _list(self, _: list[str]) -> None:
        """The program by line numbers, with what went wrong at its lines."""
        node = self._need()
        failing = node.failing()
        number = 0
        for text in draft(
            node.program, [], self._opened(failing) if failing else None
        ).splitlines():
            ours = text.lstrip().startswith(OURS)
            if not ours:
                number += 1
                self._terminal.show(f"{number:>4}  {text}")
            elif number:
                self._terminal.show(f"      {text}", "bad")

    def _where(self, words: list[str]) -> None:
        """The first call in which two trials differ."""
        numbers = [int(word) for word in words if word.isdigit()]
        if len(numbers) != 2:
            self._terminal.show("w A B: two trials by number, one that failed and one that passed")
            return
        self._present("compare", {"a": numbers[0], "b": numbers[1]})

    def _calls(self, words: list[str]) -> None:
        self._present("calls", {"trial": self._trial(words)})

    def _open_call(self, words: list[str]) -> None:
        call = int(words[0]) if words and words[0].isdigit() else 1
        self._present("call", {"trial": self._trial(words[1:]), "call": call})

    def _checks(self, words: list[str]) -> None:
        self._present("checks", {"trial": self._trial(words)})

    def _diff(self, _: list[str]) -> None:
        node = self._need()
        self._show_diff(difference(node.parent, node.program))

    def _board(self, words: list[str]) -> None:
        number = int(words[0]) if words and words[0].isdigit() else None
        if number is None:
            self._present("leaderboard", {})
        elif number in self._nodes:
            self._at = self._nodes[number]
            self._terminal.show(self._headline(self._at), "strong")
        else:
            self._terminal.show(f"hypothesis {number} is none of yours", "bad")

    def _skills(self, words: list[str]) -> None:
        """Skills that fit the failing call; by name, the program with one spliced in."""
        node, failing = self._need(), self._need().failing()
        if failing is None or failing.implicated is None:
            self._terminal.show("no call explains a failure: run it first (r, a)", "bad")
            return
        where = {"trial": failing.trial, "call": failing.implicated, "program": node.program}
        if not words:
            self._present("match_skills", where)
            return
        found = self._tools.match_skills(failing.trial, failing.implicated, node.program)
        values = {k: v[0] for m in found if m.skill == words[0] for k, v in m.parameters.items()}
        program = self._tools.apply_skill(
            words[0], failing.trial, failing.implicated, node.program, values
        )
        changed = difference(node.program, program)
        self._show_diff(changed)
        findings = self._take(program, f"{words[0]} repairs it", in_one_line(changed))
        for finding in findings:
            self._terminal.show(finding, "bad")
        if not findings:
            self._run([str(failing.seed_index)])

    def _judge(self, _: list[str]) -> None:
        judged = self._tools.judge(self._need().hypothesis)
        role = "ok" if judged.status == "kept" else "bad"
        self._terminal.show(f"{judged.status}: {judged.reason}", role)

    def _primitives(self, words: list[str]) -> None:
        if words:
            self._present("primitive", {"name": words[0]})
        else:
            self._present("primitives", {})

    def _help(self, _: list[str]) -> None:
        for line in HELP.splitlines():
            self._terminal.show(line, "dim")

    def _present(self, tool: str, args: Mapping[str, Any]) -> None:
        for line in present(tool, self._tools.use(tool, args)).text.splitlines():
            if not line.startswith(("<<<data", "data>>>")):
                self._terminal.show(line)

    def _show_diff(self, lines: list[str]) -> None:
        for line in lines:
            role = {"+": "ok", "-": "bad", "@": "dim"}.get(line[:1], "")
            self._terminal.show(line, role)

    def _trial(self, words: list[str]) -> int:
        """The trial that was named, else the failing one, else the last."""
        if words and words[0].isdigit():
            return int(words[0])
        node = self._need()
        failing = node.failing()
        if failing is not None:
            return failing.trial
        if not node.results:
            raise ToolRefused("nothing was run yet: r or a")
        return max(r.trial for r in node.results.values())

    def _need(self) -> Node:
        if self._at is None:
            raise ToolRefused("there is no program yet: e")
        return self._at
