"""Readers of files that people send each other: skills, tasks, cells, programs, grants."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from aspire_tui.environment.primitives import ALL
from aspire_tui.environment.primitives.registry import catalogue
from aspire_tui.environment.task_file import SHIPPED, TaskError, load_task
from aspire_tui.errors import ConfigError
from aspire_tui.library.load import load_skill
from aspire_tui.rollout.policy import check
from drivers.cellfile import load_cell
from drivers.errors import CellFileError
from tests.stress.decoder import Decoder

CHECKOUT = Path(__file__).parents[2]
SKILL = "regrasp-after-slip"


def file_decoders(folder: Path) -> tuple[Decoder, ...]:
    cells = sorted((CHECKOUT / "drivers" / "cells").glob("*.toml"))
    return (
        *(skill_file(folder, name) for name in ("SKILL.md", "skill.toml", "evidence.json")),
        skill_file(folder, "scripts"),
        one_file(folder / "task.toml", tuple(SHIPPED.glob("*.toml")), load_task, (TaskError,)),
        one_file(folder / "cell.toml", tuple(cells), load_cell, (CellFileError,)),
        programs(),
    )


def one_file(
    path: Path,
    samples: tuple[Path, ...],
    load: Callable[[Path], object],
    refusals: tuple[type[Exception], ...],
) -> Decoder:
    def read(data: bytes) -> bool:
        path.write_bytes(data)
        load(path)
        return True

    seeds = tuple(sample.read_bytes() for sample in samples)
    return Decoder(f"{path.stem} files", seeds, read, refusals, 1 / 20)


def skill_file(folder: Path, wanted: str) -> Decoder:
    """One file of a skill changed, the others as they were; ``scripts``: its sketch."""
    source, copy = CHECKOUT / "skills" / SKILL, folder / wanted.partition(".")[0] / SKILL
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (place,) = (p for p in copy.rglob("*") if p.is_file() and wanted in (p.name, p.parent.name))

    def read(data: bytes) -> bool:
        place.write_bytes(data)
        load_skill(copy)
        return True

    called = f"skill {wanted}" if wanted != "scripts" else "skill sketches"
    return Decoder(called, (place.read_bytes(),), read, (ConfigError,), 1 / 10)


def programs() -> Decoder:
    """A program's text as the policy reads it, before anything runs."""
    names = catalogue(ALL, "capx", "")
    examples = sorted((CHECKOUT / "docs" / "examples").glob("*.py"))

    def read(data: bytes) -> bool:
        check(data.decode("utf-8", "replace"), names)
        return True

    return Decoder("program texts", tuple(p.read_bytes() for p in examples), read, (), 1 / 10)
