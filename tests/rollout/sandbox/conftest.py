"""One sandbox per level for the whole run, and a bench of harmless primitives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from aspire_tui.domain import SandboxLevel
from aspire_tui.rollout.sandbox.api import (
    Answer,
    Call,
    Function,
    Namespace,
    Parameter,
    ProgramLimits,
    ProgramOutcome,
    ResultValue,
    SandboxUnavailable,
)
from aspire_tui.rollout.sandbox.launcher import Sandbox

QUICK = ProgramLimits(wall_s=8.0, idle_s=6.0, cpu_s=5, memory_mb=256)


def namespace() -> Namespace:
    return Namespace(
        functions=(
            Function(
                "goto_pose",
                (
                    Parameter("position", True),
                    Parameter("quaternion_wxyz", False, (0.0, 0.0, 1.0, 0.0)),
                    Parameter("z_approach", False, 0.0),
                ),
                "Move the tool to a pose.\n\nMetres, base frame.",
            ),
            Function("get_observation", (), "Take one picture per camera."),
            Function("echo", (Parameter("value", True),), "Give the value back."),
            Function("fail", (Parameter("status", True),), "End in this status, raised."),
        ),
        constants={"GRIPPER_DOWN": np.array([0.0, 0.0, 1.0, 0.0]), "TABLE_Z": 0.02},
    )


@dataclass
class Bench:
    """Answers calls and remembers them."""

    calls: list[Call] = field(default_factory=list)
    refused: list[tuple[Call, str]] = field(default_factory=list)
    picture: Any = field(
        default_factory=lambda: np.arange(240 * 320 * 3, dtype=np.uint8).reshape(240, 320, 3)
    )

    def __call__(self, call: Call) -> Answer:
        self.calls.append(call)
        if call.function == "goto_pose":
            reached = np.asarray(call.args["position"], dtype=float)
            return Answer(ResultValue("OK", "there", {"reached": reached, "error_m": 0.001}))
        if call.function == "get_observation":
            return Answer({"scene": {"rgb": self.picture, "pose": (np.eye(4), 1.5)}})
        if call.function == "fail":
            return Answer(error=(call.args["status"], "as asked"))
        return Answer(call.args["value"])


@dataclass
class Runner:
    """Runs programs at one level against a fresh bench each."""

    sandbox: Sandbox
    bench: Bench = field(default_factory=Bench)
    plain: type[Bench] = Bench
    names: Namespace = field(default_factory=namespace)

    def __call__(
        self, program: str, limits: ProgramLimits = QUICK, bench: Bench | None = None, **more: Any
    ) -> ProgramOutcome:
        self.bench = bench or Bench()
        return self.sandbox.run(
            program,
            self.names,
            self.bench,
            limits,
            on_refused=lambda call, why: self.bench.refused.append((call, why)),
            **more,
        )


@pytest.fixture(scope="session")
def at_level() -> Iterator[Callable[[SandboxLevel], Runner]]:
    """A runner at exactly this level; the test is skipped where the kernel cannot."""
    runners: dict[str, Runner | str] = {}

    def runner(level: SandboxLevel) -> Runner:
        if level not in runners:
            try:
                runners[level] = Runner(Sandbox.start((level,)))
            except SandboxUnavailable as error:
                runners[level] = str(error)
        found = runners[level]
        if isinstance(found, str):
            pytest.skip(f"level {level} cannot be had here: {found}")
        return found

    yield runner
    for made in runners.values():
        if isinstance(made, Runner):
            made.sandbox.close()


@pytest.fixture(params=["A", "A-", "B", "D"])
def any_level(request: pytest.FixtureRequest, at_level: Callable[..., Runner]) -> Runner:
    return at_level(request.param)


@pytest.fixture(params=["A", "D"])
def confined_or_not(request: pytest.FixtureRequest, at_level: Callable[..., Runner]) -> Runner:
    """The two extremes, where the levels between them can make no difference."""
    return at_level(request.param)


@pytest.fixture
def run(at_level: Callable[..., Runner]) -> Runner:
    """The strictest level that can be had here."""
    for level in ("A", "A-", "B"):
        try:
            return at_level(level)
        except pytest.skip.Exception:
            continue
    return at_level("D")
