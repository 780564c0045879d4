"""Commands that the pages about trust print can be typed as they stand: verbs and options exist,
test files and stress jobs are there, and what a page proves with Python runs."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from aspire_tui.cli import app

CHECKOUT = Path(__file__).parents[1]
PAGES = ("trust", "session-file", "stepping", "emulator", "skills", "bring-up")
_FENCE = re.compile(r"^```(?:sh|bash|console)?\n(.*?)^```", re.M | re.S)
_TICKED = re.compile(r"`([^`\n]+)`")
_STARTS = ("aspire-tui ", "pytest ", "make ", "python -m ", ".venv/bin/")
PLACEHOLDER = re.compile(r"\b[A-Z][A-Z0-9_]{0,}\b|…|\[|\]|\|")


def printed(page: str) -> list[str]:
    """Every command of a page, in fences and between backticks, without what follows it."""
    text = (CHECKOUT / "docs" / f"{page}.md").read_text()
    lines = [line for block in _FENCE.findall(text) for line in block.splitlines()]
    outside = _FENCE.sub("", text)
    lines += [one.strip() for cell in _TICKED.findall(outside) for one in [cell]]
    return [re.split(r"\s{2,}", line)[0] for line in lines if line.startswith(_STARTS)]


ALL = [(page, command) for page in PAGES for command in printed(page)]


def test_the_pages_print_commands() -> None:
    assert len([1 for page, _ in ALL if page == "trust"]) > 30


@pytest.mark.parametrize(("page", "command"), ALL)
def test_it_can_be_typed(page: str, command: str) -> None:
    words = shlex.split(command)
    if words[0].endswith("aspire-tui"):
        _verb(words[1:])
    elif words[0].endswith("pytest"):
        for word in words[1:]:
            path, _, name = word.partition("::")
            if "/" in path:
                assert (CHECKOUT / path).exists(), path
                assert not name or f"def {name}" in (CHECKOUT / path).read_text(), word
    elif words[0] == "make":
        _target(words[1:])
    elif words[:2] == ["python", "-m"]:
        module = CHECKOUT / words[2].replace(".", "/")
        assert module.with_suffix(".py").exists() or (module / "__main__.py").exists(), words[2]
        if words[2] in ("tests.stress", "tests.bench"):
            _job(words[2].removeprefix("tests."), words[3:])


def _verb(words: list[str]) -> None:
    """Walk the verbs, then every option must be one of the verb's."""
    command = typer.main.get_command(app)
    while words and isinstance(command, TyperGroup) and words[0] in command.commands:
        command = command.commands[words.pop(0)]
    takes = {name for p in command.params for name in (*p.opts, *p.secondary_opts)} | {"--help"}
    if isinstance(command, TyperGroup) and words and not words[0].startswith("-"):
        assert PLACEHOLDER.search(words[0]), f"no verb {words[0]}"
    for word in words:
        option = word.strip("[]").partition("=")[0]
        if option.startswith("--"):
            assert option in takes, f"{command.name} has no {option}"


def _target(words: list[str]) -> None:
    targets = {
        line.partition(":")[0]
        for line in (CHECKOUT / "Makefile").read_text().splitlines()
        if re.match(r"[a-z][a-z-]*:", line)
    }
    assert words[0] in targets, words[0]
    for word in words[1:]:
        if word.startswith("ARGS=") and words[0] in ("stress", "bench"):
            _job(words[0], word.removeprefix("ARGS=").split())


def _job(kind: str, words: list[str]) -> None:
    names = [w for w in words if re.fullmatch(r"[a-z][a-z_0-9]*", w)]
    for name in names:
        assert (CHECKOUT / "tests" / kind / f"{kind}_{name}.py").exists(), name
