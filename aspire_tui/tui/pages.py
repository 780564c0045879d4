"""Pages of the launcher: what a verb of the command line says, to read and to choose from."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aspire_tui.errors import Exit
from aspire_tui.tui.panes.body import Body, ListedTargets, Look, Target
from aspire_tui.tui.screen.lines import FixedLines
from aspire_tui.tui.screen.safe import clean, clean_line
from aspire_tui.tui.screen.text import Line, fit, line, pad, text_width, wrap

if TYPE_CHECKING:
    from aspire_tui.library.skill import Skill

Finding = dict[str, Any]
"""One thing the doctor looked at, as ``doctor --json`` tells it."""
RunVerb = Callable[..., str]
"""Runs one verb and answers what it printed; see :func:`aspire_tui.tui.verbs.run_verb`."""

_HANG: Final = 21
_NO_LEDGER: Final = "no skill was admitted, refused or retired in this workspace yet"
_WORST: Final = ("error", "warn", "info")
LEAST_COLUMNS, LEAST_ROWS = 80, 24

_ROLES = (
    ("ok ", "ok"),
    ("warn ", "warn"),
    ("bad ", "bad"),
    ("fail ", "bad"),
    ("FAIL ", "bad"),
    ("note:", "warn"),
    ("#", "title"),
    ("---", "accent"),
)


@dataclass(frozen=True)
class Page:
    """Something to read.

    Attributes:
        title: Upper border.
        rows: What it says.
        names: What rows stand for, by row; enter asks for more of it.
        keys: Words for the lower border.
    """

    title: str
    rows: tuple[str, ...]
    names: tuple[tuple[int, str], ...] = ()
    keys: str = "esc goes back, / searches"
    hang: int = 0
    """Cells at which a row that is broken goes on."""

    def body(self, look: Look) -> Body:
        if self.names:
            lines = [fit(_styled(row), look.width) for row in self.rows]
            targets = {row: Target("row", row) for row, _ in self.names}
        else:
            lines = [part for row in self.rows for part in _wrapped(row, look.width, self.hang)]
            targets = {}
        first = min(targets, default=None)
        return Body(
            self.title, FixedLines(lines), ListedTargets(targets), selected=first, foot=self.keys
        )

    def name_of(self, row: int | None) -> str:
        return dict(self.names).get(-1 if row is None else row, "")


def _styled(row: str) -> Line:
    name, _, rest = row.partition("  ")
    return line((name, "strong"), f"  {rest}")


def _wrapped(row: str, cells: int, hang: int) -> list[Line]:
    role = next((role for start, role in _ROLES if row.startswith(start)), "")
    if hang:
        head, below = line((row[:5], role), row[5:hang]), line(" " * hang)
        parts = wrap(row[hang:], max(8, cells - hang))
        return [fit((*(below if n else head), *part), cells) for n, part in enumerate(parts)]
    if _drawn(row) or text_width(row) <= cells:
        return [fit(line((row, role)), cells)]
    indent = " " * (len(row) - len(row.lstrip()))
    return wrap(row.strip(), cells, role, indent, indent + "  ")


def _drawn(row: str) -> bool:
    """A row of a plot is never broken."""
    return any(edge in row for edge in "┤│└┌")


def text_page(title: str, text: str) -> Page:
    return Page(title, tuple(clean(text).rstrip("\n").split("\n")))


def doctor_page(run: RunVerb, root: Path, terminal: Finding) -> Page:
    """What the doctor found, what is wrong first; of the terminal what the screen knows itself."""
    report = json.loads(run(root, "doctor", "--json", fine=(Exit.PASS, Exit.FAULT)))
    found = [
        terminal if f["code"] == "terminal" else f
        for f in report["findings"]
        if f["code"] not in ("colours", "characters", "pixels")
    ]
    found.sort(key=lambda f: _WORST.index(f["severity"]))
    rows = tuple(row for f in found for row in _finding_rows(f))
    wrong = sum(1 for f in found if f["severity"] != "info")
    title = f"Doctor: {wrong} of {len(found)} want attention" if wrong else "Doctor: all is well"
    return Page(title, rows, hang=_HANG)


def terminal_finding(columns: int, rows: int, colours: str, plain_ascii: bool) -> Finding:
    """The terminal that this is drawn on, as the doctor would say it."""
    term = clean_line(os.environ.get("TERM", ""), 40) or "TERM is not set"
    inside = " in tmux" if "TMUX" in os.environ else ""
    depth = {"standard": "16 colours", "mono": "no colours", "256": "256 colours"}
    drawn = "ASCII" if plain_ascii else "UTF-8"
    seen = f"{term}{inside}, {columns}×{rows}, {depth.get(colours, 'true colour')}, {drawn}"
    small = columns < LEAST_COLUMNS or rows < LEAST_ROWS
    return {
        "code": "terminal", "severity": "warn" if small else "info", "what": "terminal",
        "seen": seen, "expected": f"{LEAST_COLUMNS}×{LEAST_ROWS} or larger", "why": "",
        "do": [f"make the window at least {LEAST_COLUMNS}×{LEAST_ROWS}"],
    }  # fmt: skip


def _finding_rows(f: Finding) -> list[str]:
    mark = {"info": "ok", "warn": "warn", "error": "FAIL"}[f["severity"]]
    rows = [f"{mark:<5}{clean_line(f['what'], 15):<16}{clean_line(f['seen']) or '-'}"]
    if f["severity"] == "info":
        return rows
    more = [("expected", f["expected"]), ("because", f["why"]), *(("do", each) for each in f["do"])]
    return rows + [f"{'':{_HANG}}{word}: {clean_line(text)}" for word, text in more if text]


def skills_page(folders: Sequence[Path]) -> Page:
    """All skills with what proves them; enter reads one."""
    from aspire_tui.library.load import load_library  # a launcher stands before it is asked

    library = load_library(folders)
    rows: list[str] = []
    names: list[tuple[int, str]] = []
    longest = max((text_width(s.name) for s in library.skills), default=0)
    proven = [_proven(skill) for skill in library.skills]
    widest = max((text_width(text) for text in proven), default=0)
    for skill, proof in zip(library.skills, proven, strict=True):
        names.append((len(rows), skill.name))
        about = clean_line(skill.description, 300)
        rows.append(f"{pad(skill.name, longest)}  {pad(proof, widest)}  {about}")
    if not rows:
        rows = ["no skill is in the library yet; P on a hypothesis drafts one"]
    rows += [f"note: not loaded: {p.folder}: {clean_line(p.text, 200)}" for p in library.problems]
    return Page(
        f"Skills: {len(names)}, PASS with it and without", tuple(rows), tuple(names),
        "enter reads one, L ledger, v checks files, esc goes back",
    )  # fmt: skip


def _proven(skill: Skill) -> str:
    if not skill.evidence.proofs:
        return "no evidence"
    proof = skill.evidence.proofs[-1]
    with_it, without = proof.rate_with, proof.rate_without
    return f"{with_it.k}/{with_it.n} {without.k}/{without.n}"


def skill_page(run: RunVerb, root: Path, name: str) -> Page:
    """One skill: its text, its sketch, its evidence, and what the gate said of it."""
    written, mark, rest = run(root, "skills", "show", name).partition("\n---")
    text = _flowing(written) + mark + rest
    ledger = run(root, "skills", "ledger", name).strip()
    return text_page(name, f"{text}\n--- ledger\n{ledger or 'nothing is written of it'}")


def _flowing(text: str) -> str:
    """Prose with each paragraph on one row, to be broken anew where it is shown."""
    rows: list[str] = []
    for row in text.split("\n"):
        plain = row[:1].isalnum() or row[:1] in ("`", "(", '"')
        if plain and rows and rows[-1] and not rows[-1].startswith("#"):
            rows[-1] += " " + row
        else:
            rows.append(row)
    return "\n".join(rows)


def ledger_page(run: RunVerb, root: Path) -> Page:
    return text_page("Ledger of skills", run(root, "skills", "ledger") or _NO_LEDGER)


def verify_page(run: RunVerb, root: Path) -> Page:
    said = run(root, "skills", "verify", fine=(Exit.PASS, Exit.NOT_PASS))
    return text_page("Skills, checked by reading", said or "all as they were")


def compare_page(run: RunVerb, root: Path, sessions: Sequence[Path], columns: int) -> Page:
    names = ", ".join(path.stem for path in sessions)
    said = run(root, "compare", *(str(path) for path in sessions), columns=columns)
    return text_page(f"Compare {names}", said)


def session_page(run: RunVerb, root: Path, session: Path) -> Page:
    page = text_page(session.stem, run(root, "sessions", "show", str(session)))
    return replace(page, hang=10)


HELP = Page(
    "The launcher",
    (
        "enter      does what the row says: attach to a run, start a task, replay a session",
        "g          a guided first session on the stand-in: hold, step, fork, promote, replay",
        "space ^C   HOLD every cell that runs on this machine; only ever holds",
        "s          skills: browse, search, evidence, ledger, what the gate said",
        "m          mark a session; c compares those that are marked, or the two newest",
        "i          a session in short, without opening it",
        "d          doctor: what this machine can do, what is wrong, how to mend it",
        "r          look around again",
        "/ n N      search in this list",
        "tab        to the next part of the list: runs, tasks, cells, sessions",
        "j k        move; ctrl+d ctrl+u half a page, home and end",
        "q          leave; runs and cells go on",
        "",
        "HOLD decelerates and holds with drives powered. It is not an emergency stop.",
    ),
    hang=11,
)
