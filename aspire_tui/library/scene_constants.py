"""Numbers and words in a skill that belong to one scene: found, named by line, and why. Pure.

A repair that carries a position, a joint configuration or an object's name over from the scene it
was found in fixes that scene and no other. Offsets, counts and unit axes are fine.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from aspire_tui.domain import Struct
from aspire_tui.library.skill import Between, Skill

FEW_DIGITS = 3
"""Significant digits of a number somebody chose; more were measured somewhere."""
SEED_LIKE = 1000
_FULL_TURN_RAD = 6.3
_UNIT = {0.0, 1.0, -1.0, 0.5, -0.5, 0.7071, -0.7071, 0.70711, 0.707}
_SEED_NAME = re.compile(r"(^|_)(seed|scene|trial|episode)(_|$|\d)", re.IGNORECASE)


class SceneConstant(Struct, frozen=True):
    """One of them. ``line`` 0: not in the sketch but in ``skill.toml``."""

    line: int
    text: str
    why: str

    def __str__(self) -> str:
        where = f"sketch line {self.line}" if self.line else "skill.toml"
        return f"{where}: {self.text}: {self.why}"


def scene_constants(skill: Skill) -> tuple[SceneConstant, ...]:
    """Everything in a skill that looks as if it came from one scene."""
    found = [*in_sketch(skill.sketch), *_in_definition(skill)]
    return tuple(sorted(set(found), key=lambda c: (c.line, c.text)))


def in_sketch(text: str) -> tuple[SceneConstant, ...]:
    """The same, of a sketch's text alone (which has been parsed before)."""
    tree = ast.parse(text)
    offsets = _inside_sums(tree)
    found: list[SceneConstant] = []
    told: set[int] = set()
    for node in ast.walk(tree):
        values = _vector(node)
        if values is not None:
            why = _vector_is(values, offset=id(node) in offsets)
            if why:
                found.append(_at(node, text, why))
            told.update(id(n) for n in ast.walk(node))
    for node in ast.walk(tree):
        if id(node) not in told:
            found += _number_or_word(node, text)
    found += _limits(tree, text)
    return tuple(found)


def _number_or_word(node: ast.AST, text: str) -> Iterator[SceneConstant]:
    if isinstance(node, ast.Name) and _SEED_NAME.search(node.id):
        yield _at(node, text, "names a seed or scene")
    if isinstance(node, ast.Call):
        for argument in [*node.args, *(k.value for k in node.keywords)]:
            word = argument.value if isinstance(argument, ast.Constant) else None
            named = isinstance(node.func, ast.Name)
            if named and isinstance(word, str) and word.strip():
                yield _at(argument, text, "names one scene's object; ask for {object_name}")
    if not isinstance(node, ast.Constant) or isinstance(node.value, bool):
        return
    if isinstance(node.value, int) and abs(node.value) >= SEED_LIKE:
        yield _at(node, text, "looks like a seed")
    if isinstance(node.value, float) and _digits(node.value) > FEW_DIGITS:
        yield _at(node, text, f"has {_digits(node.value)} digits: measured in one scene")


def _limits(tree: ast.AST, text: str) -> Iterator[SceneConstant]:
    """Comparing an element of a position with a fixed number cuts one scene out of the table."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        element = any(
            isinstance(s, ast.Subscript)
            and isinstance(s.slice, ast.Constant)
            and s.slice.value in (0, 1)
            for s in sides
        )
        fixed = any(_number(s) not in (None, 0.0) for s in sides)
        if element and fixed:
            yield _at(node, text, "decides by where in this scene something lies")


def _in_definition(skill: Skill) -> Iterator[SceneConstant]:
    definition = skill.definition
    for where, patterns in (
        ("args", definition.signature.args),
        ("scene", definition.signature.scene),
    ):
        for name, pattern in patterns.items():
            if isinstance(pattern, Between) and pattern.index in (0, 1):
                yield SceneConstant(
                    0, f"signature.{where}.{name}{pattern}", "matches by absolute position"
                )
    for name, p in definition.repair.parameters.items():
        if _digits(p.default) > FEW_DIGITS:
            yield SceneConstant(
                0, f"repair.parameters.{name}.default = {p.default!r}", "measured in one scene"
            )


def _vector(node: ast.AST) -> list[float] | None:
    if not isinstance(node, ast.List | ast.Tuple) or len(node.elts) < 2:
        return None
    values = [_number(e) for e in node.elts]
    numbers = [v for v in values if v is not None]
    return numbers if len(numbers) == len(values) else None


def _vector_is(values: list[float], *, offset: bool) -> str:
    if len(values) >= 5:
        turns = all(abs(v) <= _FULL_TURN_RAD for v in values)
        return "is an absolute joint configuration" if turns and any(values) else ""
    if all(round(v, 5) in _UNIT for v in values):
        return ""
    if offset and len(values) <= 3:
        return "" if not any(values[:2]) or max(map(abs, values)) < 0.05 else "is a fixed direction"
    if len(values) == 4:
        return "is an absolute orientation"
    return "is an absolute position" if len(values) in (2, 3) else ""


def _inside_sums(tree: ast.AST) -> set[int]:
    """Vectors that are added to, taken from or scale something, however wrapped in a call."""
    inside: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub | ast.Mult):
            sides = (node.left, node.right)
            if all(_is_constant(s) for s in sides):
                continue
            for side in sides:
                inside.update(id(n) for n in ast.walk(side))
        elif isinstance(node, ast.AugAssign):
            inside.update(id(n) for n in ast.walk(node.value))
    return inside


def _is_constant(node: ast.expr) -> bool:
    return not any(
        isinstance(n, ast.Name) and n.id not in ("np", "numpy", "math") for n in ast.walk(node)
    )


def _number(node: ast.AST) -> float | None:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        inner = _number(node.operand)
        return None if inner is None else (-inner if isinstance(node.op, ast.USub) else inner)
    if isinstance(node, ast.Constant) and not isinstance(node.value, bool):
        return float(node.value) if isinstance(node.value, int | float) else None
    return None


def _digits(value: float) -> int:
    return len(repr(abs(value)).partition("e")[0].replace(".", "").strip("0"))


def _at(node: ast.expr | ast.AST, text: str, why: str) -> SceneConstant:
    line = node.lineno if isinstance(node, ast.expr) else 0
    said = ast.get_source_segment(text, node) or ""
    return SceneConstant(line, " ".join(said.split())[:80], why)
