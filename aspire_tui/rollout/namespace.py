"""The program's names, made from the declared primitives."""

from __future__ import annotations

from collections.abc import Mapping

from aspire_tui.environment.primitives.registry import Primitive
from aspire_tui.rollout.sandbox.api import Function, Namespace, Parameter, Value


def namespace_of(
    names: Mapping[str, Primitive], constants: Mapping[str, Value] | None = None
) -> Namespace:
    """Every name with its parameters and its documentation; aliases are names of their own."""
    return Namespace(
        functions=tuple(
            Function(
                name=name,
                parameters=tuple(Parameter(a.name, a.required, a.default) for a in p.arguments),
                doc=p.doc,
            )
            for name, p in names.items()
        ),
        constants=constants or {},
    )
