"""Skills from elsewhere: fetched within bounds, read as text, shown before anything is kept.

Nothing of a foreign skill runs here. ``git`` is told to run no hooks, follow no submodules, write
no links and speak only protocols that fetch.
"""

from __future__ import annotations

import difflib
import os
import re
import resource
import shutil
import subprocess
from collections.abc import Collection, Sequence
from pathlib import Path

from aspire_tui.domain import Struct
from aspire_tui.errors import ConfigError
from aspire_tui.library.load import load_skill
from aspire_tui.library.skill import Skill

LARGEST_DOWNLOAD = 32 << 20
"""Bytes any one file of a clone may have."""
MOST_SKILLS = 200
CLONE_S = 60
_ADDRESS = re.compile(r"(https://|ssh://|file://|[\w.-]+@[\w.-]+:)\S+\Z")


class Offered(Struct, frozen=True):
    """One foreign skill, as an operator sees it before it is kept."""

    skill: Skill
    unknown: tuple[str, ...]
    """Names its sketch calls that no primitive has."""
    changed: tuple[str, ...]
    """Unified diff against the skill of that name at hand; all of it when there is none."""


def is_address(source: str) -> bool:
    """Whether this is something to clone rather than a folder."""
    return _ADDRESS.match(source) is not None


def clone(address: str, into: Path, environment: dict[str, str]) -> Path:
    """Fetch the newest state of a repository.

    Raises:
        ConfigError: git is not there, the address is none, or it took too much or too long.
    """
    if not is_address(address):
        raise ConfigError(f"{address}: give a folder, or an https, ssh or file address of git")
    git = shutil.which("git")
    if git is None:
        raise ConfigError(
            "git is not installed; clone the repository elsewhere and give its folder"
        )
    options = (
        "core.hooksPath=/dev/null",
        "core.symlinks=false",
        "protocol.ext.allow=never",
        "core.fsmonitor=false",
    )
    command = [git, *(part for o in options for part in ("-c", o)), "clone", "--quiet"]
    command += ["--depth", "1", "--no-tags", "--single-branch", "--template=", "--", address]
    quiet = {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ALLOW_PROTOCOL": "https:ssh:file",
    }
    try:
        done = subprocess.run(
            [*command, str(into)],
            env={**environment, **quiet},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=CLONE_S,
            preexec_fn=_bound,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ConfigError(f"{address}: took longer than {CLONE_S} s") from None
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise ConfigError(f"{address}: could not be cloned: {said[:200]}")
    return into


def _bound() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_DOWNLOAD, LARGEST_DOWNLOAD))


def skill_folders_in(source: Path) -> tuple[Path, ...]:
    """The skill folders of a fetched folder: itself, its children, or those of ``skills/``.

    Raises:
        ConfigError: There is none, a link among them, or too many.
    """
    if source.is_symlink() or not source.is_dir():
        raise ConfigError(f"{source}: is no folder of skills")
    if (source / "SKILL.md").is_file():
        return (source,)
    found = []
    for folder in (source, source / "skills"):
        if folder.is_symlink() or not folder.is_dir():
            continue
        for each in sorted(folder.iterdir()):
            if each.is_symlink() or each.name.startswith(".") or not each.is_dir():
                continue
            if (each / "SKILL.md").is_file():
                found.append(each)
    if not found:
        raise ConfigError(f"{source}: holds no folder with a SKILL.md")
    if len(found) > MOST_SKILLS:
        raise ConfigError(f"{source}: holds {len(found)} skills, at most {MOST_SKILLS} at a time")
    return tuple(found)


def offer(folder: Path, known: Sequence[Skill], primitives: Collection[str]) -> Offered:
    """Read one foreign skill, bounded as every skill is, and say what it would change.

    Raises:
        ConfigError: One line: the file, what is wrong, what would be right.
    """
    skill = load_skill(folder)
    mine = next((s for s in known if s.name == skill.name), None)
    before = _texts(Path(mine.folder)) if mine else {}
    after = _texts(folder)
    diff: list[str] = []
    for name in sorted(before.keys() | after.keys()):
        diff += difflib.unified_diff(
            before.get(name, []), after.get(name, []), f"a/{name}", f"b/{name}", lineterm=""
        )
    unknown = tuple(u for u in skill.uses if u not in primitives)
    return Offered(skill, unknown, tuple(_shown(line) for line in diff))


def _texts(folder: Path) -> dict[str, list[str]]:
    return {
        p.relative_to(folder).as_posix(): p.read_text(
            encoding="utf-8", errors="replace"
        ).splitlines()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and not p.is_symlink() and "__pycache__" not in p.parts
    }


def _shown(line: str) -> str:
    """A line of untrusted text for a terminal: nothing that would steer it."""
    return "".join(c if c.isprintable() or c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in line)
