"""The hypothesis tree as a real git repository: a branch per line of ideas, a commit per
hypothesis, its scores as trailers. The same session gives the same commits, byte for byte.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from aspire_tui.domain import Struct
from aspire_tui.errors import ConfigError
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.rows import HypothesisRow

PROGRAM = "program.py"
GIT_S = 120
_STANDING = {"promoted": 0, "kept": 1, "open": 2, "pruned": 3}


class Commit(Struct, frozen=True):
    """One hypothesis as it is committed. ``parents``: its own first, then what it borrowed from."""

    number: int
    branch: str
    parents: tuple[int, ...]
    author: str
    at_s: int
    message: str
    program: str


class Exported(Struct, frozen=True):
    commits: int
    branches: tuple[str, ...]
    best: int | None


def commits_of(reader: SessionReader) -> list[Commit]:
    """Every hypothesis in an order in which parents come first.

    Raises:
        ConfigError: A parent is missing or comes later, or a program was not kept.
    """
    rows = {h.hypothesis: h for h in reader.hypotheses()}
    if not rows:
        raise ConfigError(f"{reader.path.name} has no hypotheses; only runs have a tree")
    for row in rows.values():
        for parent in (row.parent, *row.borrowed_from):
            if parent is not None and (parent not in rows or parent >= row.hypothesis):
                raise ConfigError(
                    f"{reader.path.name}: hypothesis {row.hypothesis} comes from {parent}, "
                    "which is not in the tree before it"
                )
    opened_wall_s = _wall_times(reader)
    branches = branches_of(rows)
    trials: dict[int, list[float]] = {n: [] for n in rows}
    for t in reader.trials():
        if t.hypothesis in trials and t.closed_seq is not None:
            trials[t.hypothesis].append(t.wall_s)
    out = []
    for number, row in sorted(rows.items()):
        program = reader.program(row.program)
        if program is None:
            raise ConfigError(
                f"{reader.path.name}: the program of hypothesis {number} was not kept"
            )
        parents = [] if row.parent is None else [row.parent]
        out.append(
            Commit(
                number=number,
                branch=branches[number],
                parents=(*parents, *row.borrowed_from),
                author=row.author or "unknown",
                at_s=int(opened_wall_s[row.opened_seq]),
                message=message_of(row, trials[number], reader.session_id()),
                program=program.text,
            )
        )
    return out


def branches_of(rows: Mapping[int, HypothesisRow]) -> dict[int, str]:
    """A branch for every idea: the best child goes on with its parent's line, others begin one."""
    children: dict[int | None, list[HypothesisRow]] = {}
    for row in rows.values():
        children.setdefault(row.parent, []).append(row)
    named: dict[int, str] = {}
    for number, row in sorted(rows.items()):
        if number not in named:
            named[number] = f"idea-{number}-{_slug(row.claim)}"
        heirs = sorted(children.get(number, []), key=lambda h: (_STANDING[h.status], h.hypothesis))
        if heirs and heirs[0].hypothesis not in named:
            named[heirs[0].hypothesis] = named[number]
    return named


def message_of(row: HypothesisRow, trial_s: Sequence[float], session: str) -> str:
    """Claim, difference and what would show it wrong; then trailers with every score."""
    body = [_line(row.difference), f"If wrong: {_line(row.if_wrong)}" if row.if_wrong else ""]
    trailers = [
        ("Hypothesis", str(row.hypothesis)),
        ("Status", row.status),
        ("Reason", row.decided_reason),
        ("Proposed-By", row.author),
        *(
            (_TRAILERS[s], f"{v.k}/{v.n} [{v.lo:.3f}, {v.hi:.3f}]")
            for s, v in sorted(row.scores.items())
        ),
        ("Trials", str(len(trial_s))),
        ("Trial-Minutes", f"{sum(trial_s) / 60:.2f}"),
        ("Tokens", str(row.tokens) if row.tokens else ""),
        ("Minutes", f"{row.minutes:.1f}"),
        *(("Borrowed-From", f"H{n}") for n in row.borrowed_from),
        *(
            ("Repair", f"{r.skill} at call {r.call} ({r.primitive} {r.status})")
            for r in row.repairs
        ),
        ("Program-Sha256", row.program),
        ("Session", session),
    ]
    told = "\n".join(f"{key}: {_line(value)}" for key, value in trailers if value)
    paragraphs = [f"H{row.hypothesis}: {_line(row.claim)}", *(b for b in body if b), told]
    return "\n\n".join(paragraphs) + "\n"


_TRAILERS = {
    "dev": "Score-Dev",
    "selection": "Score-Selection",
    "held_out": "Score-Held-Out",
    "operator": "Score-Operator",
}


def export_git(reader: SessionReader, out: Path) -> Exported:
    """Write the repository.

    Raises:
        ConfigError: git is not there, the folder is not empty, or the tree is broken.
    """
    git = shutil.which("git")
    if git is None:
        raise ConfigError("git is not installed; export --to git needs it")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"{out}: is there already; name a new folder")
    commits = commits_of(reader)
    ended = reader.snapshot().ended
    best = ended.best if ended and ended.best in {c.number for c in commits} else None
    made = not out.exists()
    try:
        out.mkdir(parents=True, exist_ok=True)
        _git(git, out, "init", "--quiet", "--template=", "--initial-branch=main")
        stream = fast_import_stream(commits, best or commits[0].number)
        _git(git, out, "fast-import", "--quiet", "--date-format=raw", data=stream)
        _git(git, out, "checkout", "--quiet", "main")
    except (ConfigError, OSError) as error:
        if made:
            shutil.rmtree(out, ignore_errors=True)
        if isinstance(error, OSError):
            raise ConfigError(f"{out}: {error.strerror}") from None
        raise
    return Exported(len(commits), tuple(sorted({c.branch for c in commits})), best)


def fast_import_stream(commits: Sequence[Commit], main: int) -> bytes:
    """What ``git fast-import`` reads. Pure."""
    out = bytearray()
    for c in commits:
        who = re.sub(r"[<>\n\0]", "", c.author).strip() or "unknown"
        mail = re.sub(r"[^a-zA-Z0-9.-]+", "-", who)
        first, *borrowed = [f":{n}" for n in c.parents] or [""]
        out += f"commit refs/heads/{c.branch}\nmark :{c.number}\n".encode()
        out += f"author {who} <{mail}@aspire-tui> {c.at_s} +0000\n".encode()
        out += f"committer aspire-tui <session@aspire-tui> {c.at_s} +0000\n".encode()
        out += _data(c.message)
        if first:
            out += f"from {first}\n".encode()
        out += b"".join(f"merge {b}\n".encode() for b in borrowed)
        out += f"M 100644 inline {PROGRAM}\n".encode() + _data(c.program)
    return bytes(out) + f"reset refs/heads/main\nfrom :{main}\n\n".encode()


def _data(text: str) -> bytes:
    data = text.encode()
    return b"data %d\n" % len(data) + data + b"\n"


def _git(git: str, folder: Path, *args: str, data: bytes = b"") -> None:
    """Run git, deaf to the settings and hooks of whoever runs it."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    environment |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    try:
        done = subprocess.run(
            [git, *args],
            cwd=folder,
            env=environment,
            input=data,
            capture_output=True,
            timeout=GIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ConfigError(f"{folder}: git {args[0]} took longer than {GIT_S} s") from None
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise ConfigError(f"{folder}: git {args[0]}: {said[-1][:200]}")


def _wall_times(reader: SessionReader) -> dict[int, float]:
    return {r.seq: r.wall_s for r in reader.events(kinds=("hypothesis",))}


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40].strip("-") or "idea"


def _line(text: str) -> str:
    """One line of plain characters: a claim is an author's word and may hold anything."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
