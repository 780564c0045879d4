"""Declares primitives: one function, its names, who may call it, and how it can end.

A primitive is a function ``fn(bench, **arguments) -> PrimitiveOutcome`` whose parameters carry the
aliases of :mod:`arguments`. The declaration is all there is: the sandbox namespace, the policy
check, the reference for agents and the CLI listing are made from it.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from aspire_tui.domain import Status
from aspire_tui.environment.outcome import PrimitiveOutcome
from aspire_tui.environment.primitives.arguments import Check, InvalidArgument, coerce
from aspire_tui.environment.services import ServiceFailed
from drivers.types import CellInfo

if TYPE_CHECKING:
    from aspire_tui.environment.bench import Workbench

Function = Callable[..., PrimitiveOutcome]

Embodiment = Literal["arm", "arms", "mobile"]
"""What a cell is made of: one arm, several in one frame, or one on a base that drives."""

EVERY_BODY: Final[tuple[Embodiment, ...]] = ("arm", "arms", "mobile")
ONE_HAND: Final[tuple[Embodiment, ...]] = ("arm", "mobile")


def embodiment_of(info: CellInfo) -> Embodiment:
    """Which names a cell offers follows from this."""
    if info.base is not None:
        return "mobile"
    return "arms" if len(info.arms) > 1 else "arm"


@dataclass(frozen=True)
class Argument:
    """One parameter: its name, default and check."""

    name: str
    required: bool
    default: Any
    check: Check | None
    optional: bool
    """None is allowed."""

    @property
    def unit(self) -> str:
        """Shape, unit and range, as its check has them."""
        said = "" if self.check is None else self.check.__doc__ or ""
        return said.partition("\n")[0]


@dataclass(frozen=True)
class Primitive:
    """One declared primitive."""

    name: str
    group: str
    function: Function
    arguments: tuple[Argument, ...]
    doc: str
    statuses: tuple[Status, ...]
    moves: bool
    tiers: tuple[str, ...]
    profiles: tuple[str, ...]
    aliases: tuple[str, ...]
    returns: str
    fits: tuple[Embodiment, ...] = EVERY_BODY
    """On which cells it is offered."""
    arm: int = 0
    """Whose state before and after is kept, by number in the cell."""
    privileged: bool = False
    """Looks at what a robot could not know; only with tier S1, and such results are branded."""
    frame: str = ""
    """The frame of the positions and poses it takes and gives."""
    example: str = ""
    """One line of a program that calls it."""

    def invoke(self, bench: Workbench, given: Mapping[str, Any]) -> PrimitiveOutcome:
        """Check the arguments and run. An unusable argument ends in INVALID, nothing moves."""
        try:
            checked = self.check(given)
        except InvalidArgument as error:
            return PrimitiveOutcome("INVALID", None, str(error), raises=True)
        try:
            return self.function(bench, **checked)
        except ServiceFailed as failed:
            return PrimitiveOutcome(failed.status, None, str(failed), raises=True)

    def check(self, given: Mapping[str, Any]) -> dict[str, Any]:
        known = {a.name for a in self.arguments}
        for name in given:
            if name not in known:
                raise InvalidArgument(
                    f"{self.name} has no argument {name!r}; it takes {', '.join(sorted(known))}"
                )
        out: dict[str, Any] = {}
        for a in self.arguments:
            if a.name not in given:
                if a.required:
                    raise InvalidArgument(f"{self.name} needs the argument {a.name}")
                out[a.name] = a.default
                continue
            value = given[a.name]
            if value is None and a.optional:
                out[a.name] = None
            else:
                out[a.name] = value if a.check is None else coerce(a.name, a.check, value)
        return out

    def signature(self) -> str:
        parts = [a.name if a.required else f"{a.name}={a.default!r}" for a in self.arguments]
        return f"{self.name}({', '.join(parts)})"


def _argument(p: inspect.Parameter, hint: Any) -> Argument:
    optional = False
    if typing.get_origin(hint) is typing.Union or type(hint).__name__ == "UnionType":
        members = [m for m in typing.get_args(hint) if m is not type(None)]
        optional = len(members) < len(typing.get_args(hint))
        hint = members[0] if len(members) == 1 else None
    check: Check | None = None
    if typing.get_origin(hint) is typing.Annotated:
        check = typing.get_args(hint)[1]
    required = p.default is inspect.Parameter.empty
    return Argument(p.name, required, None if required else p.default, check, optional)


def primitive(
    *,
    group: str,
    statuses: tuple[Status, ...],
    returns: str,
    moves: bool = False,
    name: str = "",
    aliases: tuple[str, ...] = (),
    tiers: tuple[str, ...] = ("S2", "S3", "S4"),
    profiles: tuple[str, ...] = ("capx", "libero", "robosuite"),
    fits: tuple[Embodiment, ...] | None = None,
    privileged: bool = False,
    frame: str = "",
    example: str = "",
) -> Callable[[Function], Primitive]:
    """Turn a function into a declared primitive. INVALID and FAULT are always possible.

    What moves one hand is not offered on a cell of several arms unless ``fits`` says so: there it
    has a suffix.
    """

    def declare(function: Function) -> Primitive:
        hints = typing.get_type_hints(function, include_extras=True)
        parameters = list(inspect.signature(function).parameters.values())[1:]
        return Primitive(
            name=name or function.__name__,
            group=group,
            function=function,
            arguments=tuple(_argument(p, hints.get(p.name)) for p in parameters),
            doc=inspect.cleandoc(function.__doc__ or ""),
            statuses=statuses,
            moves=moves,
            tiers=tiers,
            profiles=profiles,
            aliases=aliases,
            returns=returns,
            fits=fits or (ONE_HAND if group in ("motion", "gripper") else EVERY_BODY),
            privileged=privileged,
            frame=frame,
            example=example,
        )

    return declare


def catalogue(
    primitives: tuple[Primitive, ...], profile: str, tier: str, body: Embodiment = "arm"
) -> dict[str, Primitive]:
    """The names a program may call under one API profile and tier on a kind of cell.

    Aliases are names of their own. An empty tier is all but the privileged.
    """
    out: dict[str, Primitive] = {}
    for p in primitives:
        if profile not in p.profiles or body not in p.fits:
            continue
        if (tier and tier not in p.tiers) or (p.privileged and tier != "S1"):
            continue
        for known in (p.name, *p.aliases):
            if known in out:
                raise ValueError(f"two primitives are called {known} in profile {profile}")
            out[known] = p
    return out
