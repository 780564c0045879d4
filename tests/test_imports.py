"""The import rule: rooms know only what is below them, and heavy things wait until needed.

Twice: every import statement in the source, deferred ones included, against the table below; and
real imports in fresh interpreters, which no wording can hide from.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
ROOTS = ("aspire_tui", "drivers")

NOUNS = {
    "aspire_tui.domain",
    "aspire_tui.event_base",
    "aspire_tui.agent_events",
    "aspire_tui.people_events",
    "aspire_tui.skill_events",
    "aspire_tui.hand_events",
    "aspire_tui.events",
}
BASICS = {
    *NOUNS,
    "aspire_tui.errors",
    "aspire_tui.framing",
    "aspire_tui.strict_toml",
    "aspire_tui.config",
}
DRIVERS = {
    "drivers.types",
    "drivers.cell",
    "drivers.client",
    "drivers.errors",
    "drivers.jaw",
    "drivers.room",
    "drivers.cellfile",
    "drivers.runtime_dir",
}
"""All of the drivers that anything above them may know."""

ENVIRONMENT = {"aspire_tui.environment", *BASICS, *DRIVERS}
ROLLOUT = {"aspire_tui.rollout", *ENVIRONMENT}
IMPROVEMENT = {"aspire_tui.improvement", "aspire_tui.library", "aspire_tui.session", *ROLLOUT}
EVOLUTION = {"aspire_tui.evolution", *IMPROVEMENT}
ENGINE = {"aspire_tui.engine", "drivers.hostlock", *EVOLUTION}
"""The engine starts the cell host, so it may ask who holds a cell."""

ALLOWED: dict[str, set[str]] = {
    "drivers": {"drivers"},
    "aspire_tui.domain": set(),
    "aspire_tui.event_base": set(),
    "aspire_tui.agent_events": {"aspire_tui.domain", "aspire_tui.event_base"},
    "aspire_tui.people_events": {"aspire_tui.domain", "aspire_tui.event_base"},
    "aspire_tui.skill_events": {"aspire_tui.domain", "aspire_tui.event_base"},
    "aspire_tui.hand_events": {"aspire_tui.domain", "aspire_tui.event_base"},
    "aspire_tui.events": {
        "aspire_tui.domain",
        "aspire_tui.event_base",
        "aspire_tui.agent_events",
        "aspire_tui.people_events",
        "aspire_tui.skill_events",
        "aspire_tui.hand_events",
    },
    "aspire_tui.errors": {"drivers.errors"},
    "aspire_tui.framing": set(),
    "aspire_tui.strict_toml": {"aspire_tui.errors"},
    "aspire_tui.config": {*BASICS, "drivers.cellfile"},
    "aspire_tui.session": {"aspire_tui.session", *NOUNS},
    "aspire_tui.library": {"aspire_tui.library", *BASICS},
    "aspire_tui.environment": ENVIRONMENT,
    "aspire_tui.rollout": ROLLOUT,
    "aspire_tui.improvement": IMPROVEMENT,
    "aspire_tui.evolution": EVOLUTION,
    "aspire_tui.engine": ENGINE,
    "aspire_tui.tui": {
        "aspire_tui.tui",
        "aspire_tui.session",
        "aspire_tui.library",
        "aspire_tui.engine.client",
        *BASICS,
        *DRIVERS,
    },
    "aspire_tui.doctor": {
        "aspire_tui.doctor",
        "aspire_tui.improvement.llm.provider",
        "drivers.findings",
        "drivers.acceptance",
        "drivers.serial_ports",
        "aspire_tui.rollout.sandbox",
        "aspire_tui.session",
        *BASICS,
        *DRIVERS,
    },
}
"""Room to what it may import, by prefix. What is in no room (the command line) may import all."""

SIMULATOR_SEAMS = {
    ("aspire_tui.environment.draw", "drivers.sim.film"),
    ("aspire_tui.environment.draw", "drivers.sim.scene"),
    ("aspire_tui.environment.reset", "drivers.sim.scene"),
    ("aspire_tui.environment.referee", "drivers.sim.truth"),
    ("aspire_tui.rollout.bench_worker", "drivers.sim.control"),
    ("aspire_tui.environment.near_end", "drivers.sim.scene"),
    ("aspire_tui.environment.near_misses", "drivers.sim.scene"),
    ("aspire_tui.environment.near_misses_held", "drivers.sim.scene"),
    ("aspire_tui.rollout.verifier_check", "drivers.sim.cell"),
    ("aspire_tui.rollout.bulk", "drivers.sim.cell"),
    ("aspire_tui.rollout.dry_run", "drivers.sim.cell"),
    ("aspire_tui.rollout.dry_run", "drivers.sim.scene"),
    ("aspire_tui.rollout.bulk", "drivers.sim.raycam"),
}
"""The only places above the drivers that know of a simulator: reset, referee, workers, dry run."""

HEAVY = (
    "anthropic",
    "openai",
    "pydantic_ai",
    "mcp",
    "acp",
    "distributed",
    "cv2",
    "mink",
    "ompl",
    "mujoco",
)
MOTION = ("mujoco", "mink", "ompl", "ruckig")
BANNED_NAMES = re.compile(r"(utils?|helpers?|manager|misc|common)\.py")
LONGEST_FILE = 500


def modules(package: str) -> list[str]:
    """Every module below a package (or the module itself), by dotted name."""
    path = CHECKOUT / package.replace(".", "/")
    if path.with_suffix(".py").is_file():
        return [package]
    files = [p for p in sorted(path.rglob("*.py")) if p.name != "__main__.py"]
    names = [".".join(p.relative_to(CHECKOUT).with_suffix("").parts) for p in files]
    return [name.removesuffix(".__init__") for name in names]


def source(module: str) -> Path:
    path = CHECKOUT / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def imports_of(module: str) -> frozenset[str]:
    """Our modules that a module names in any import statement, wherever it stands."""
    path = source(module)
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parts, base]).rstrip(".")
            inside = {f"{base}.{alias.name}" for alias in node.names}
            found |= {name for name in inside if source(name).is_file()} or {base}
    return frozenset(name for name in found if name.split(".")[0] in ROOTS)


def within(module: str, prefixes: set[str]) -> bool:
    return any(module == p or module.startswith(f"{p}.") for p in prefixes)


def room_of(module: str) -> str | None:
    rooms = [room for room in ALLOWED if within(module, {room})]
    return max(rooms, key=len, default=None)


def all_modules() -> Iterator[str]:
    for root in ROOTS:
        yield from modules(root)


def test_every_import_statement_points_down() -> None:
    wrong = [
        f"{module} imports {name}"
        for module in all_modules()
        if (room := room_of(module)) is not None
        for name in sorted(imports_of(module))
        if name != "drivers"  # the bare package: where its data files are
        and not within(name, ALLOWED[room])
        and (module, name) not in SIMULATOR_SEAMS
    ]
    assert wrong == []


def test_the_simulator_is_known_only_at_its_seams() -> None:
    above = {
        (module, name)
        for module in modules("aspire_tui")
        for name in imports_of(module)
        if within(name, {"drivers.sim"})
    }
    assert above <= SIMULATOR_SEAMS


def test_one_module_knows_the_truth() -> None:
    knowing = {
        module
        for module in all_modules()
        if not within(module, {"drivers.sim"}) and "drivers.sim.truth" in imports_of(module)
    }
    assert knowing <= {"aspire_tui.environment.referee"}


def test_imports_by_name_are_not_used_to_go_around_the_rule() -> None:
    """A module named in a text can be imported too: drivers name none of ours at all."""
    wrong = []
    for module in modules("drivers"):
        for node in ast.walk(ast.parse(source(module).read_text(encoding="utf-8"))):
            named = isinstance(node, ast.Constant) and isinstance(node.value, str)
            if named and re.fullmatch(r"aspire_tui(\.\w+)*(:\w+)?", node.value):
                wrong.append(f"{module} names {node.value}")
    assert wrong == []


def loaded_by(*names: str) -> set[str]:
    """Modules in a fresh interpreter after importing these."""
    code = (
        "import importlib, json, sys\n"
        "for name in sys.argv[1:]: importlib.import_module(name)\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *names],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return set(json.loads(done.stdout.strip().splitlines()[-1]))


def ours(loaded: set[str]) -> set[str]:
    return {name for name in loaded if within(name, {"aspire_tui"}) and name != "aspire_tui"}


@pytest.mark.parametrize(
    ("room", "forbidden"),
    [
        ("drivers", {"aspire_tui", "textual"}),
        ("aspire_tui.domain", {"drivers", "aspire_tui.events", "numpy", "textual"}),
        ("aspire_tui.events", {"drivers", "numpy", "textual"}),
        ("aspire_tui.session", {"drivers", "textual", *MOTION}),
        ("aspire_tui.library", {"drivers.sim", "textual", *MOTION}),
        ("aspire_tui.environment.perception", {"drivers.sim", "textual", *MOTION}),
        ("aspire_tui.environment", {"drivers.sim.cell", "aspire_tui.rollout", "textual"}),
        ("aspire_tui.rollout", {"aspire_tui.improvement", "aspire_tui.engine", "textual"}),
        ("aspire_tui.improvement", {"aspire_tui.evolution", "aspire_tui.engine", "textual"}),
        ("aspire_tui.evolution", {"aspire_tui.engine", "aspire_tui.tui", "textual"}),
        ("aspire_tui.engine", {"aspire_tui.tui", "aspire_tui.commands", "textual"}),
        (
            "aspire_tui.tui",
            {
                "aspire_tui.rollout",
                "aspire_tui.environment",
                "aspire_tui.evolution",
                "aspire_tui.improvement",
                "drivers.sim",
                "scipy",
                *MOTION,
            },
        ),
        ("aspire_tui.cli", {*HEAVY}),
    ],
)
def test_a_room_really_loads_nothing_it_must_not(room: str, forbidden: set[str]) -> None:
    names = [m for m in modules(room) if source(m).is_file()]
    if not names:
        pytest.skip(f"{room} does not exist yet")
    loaded = loaded_by(*names)
    assert {name for name in loaded if within(name, forbidden)} == set()


def test_the_session_loads_only_the_nouns() -> None:
    loaded = ours(loaded_by(*modules("aspire_tui.session")))
    assert {name for name in loaded if not within(name, {"aspire_tui.session"})} <= NOUNS


def test_perception_works_where_no_simulator_can_be_imported() -> None:
    names = modules("aspire_tui.environment.perception")
    code = "import sys; sys.modules.update(dict.fromkeys(['mujoco', 'mink', 'drivers.sim']))\n"
    code += "\n".join(f"import {name}" for name in names)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_no_module_is_longer_than_a_review() -> None:
    lengths = {m: len(source(m).read_text(encoding="utf-8").splitlines()) for m in all_modules()}
    assert {m: n for m, n in lengths.items() if n > LONGEST_FILE} == {}


def test_modules_are_called_after_what_they_are() -> None:
    files = [p for root in (*ROOTS, "tests") for p in (CHECKOUT / root).rglob("*.py")]
    assert [str(p) for p in files if BANNED_NAMES.fullmatch(p.name)] == []


def test_no_error_is_swallowed_unseen() -> None:
    wrong = []
    for module in all_modules():
        for node in ast.walk(ast.parse(source(module).read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ExceptHandler):
                continue
            everything = node.type is None or (
                isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException")
            )
            if everything and all(isinstance(s, ast.Pass) for s in node.body):
                wrong.append(f"{module}:{node.lineno}")
    assert wrong == []
