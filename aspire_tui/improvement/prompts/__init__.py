"""Prompts as files: short, by name. What was used is in the session, with its hash."""

from __future__ import annotations

from importlib.resources import files


def prompt_names() -> tuple[str, ...]:
    """The prompts there are."""
    found = files(__name__).iterdir()
    return tuple(sorted(f.name.removesuffix(".md") for f in found if f.name.endswith(".md")))


def prompt_text(name: str) -> str:
    """One prompt."""
    return (files(__name__) / f"{name}.md").read_text("utf-8").strip()
