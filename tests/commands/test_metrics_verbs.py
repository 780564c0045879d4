"""``metrics`` and ``compare`` as an operator calls them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from aspire_tui.cli import app
from aspire_tui.errors import ConfigError

BASE = ["--workspace"]
RUNNER = CliRunner()


def call(tmp_path: Path, *args: str):  # type: ignore[no-untyped-def]
    return RUNNER.invoke(app, ["--workspace", str(tmp_path), *args])


def test_metrics_of_several_sessions_are_one_json_object(tmp_path: Path) -> None:
    done = call(tmp_path, "metrics", "stack-repaired", "lift-held", "--json")
    assert done.exit_code == 0
    first, second = json.loads(done.stdout)["sessions"]
    assert first["mru"]["clock"] == "wall" and second["mru"]["clock"] == "sim"
    assert sum(first["mru"]["shares"].values()) == pytest.approx(1.0)
    assert "executing" in first["mru"]["rule"]


def test_the_lines_state_clock_rule_and_interval(tmp_path: Path) -> None:
    done = call(tmp_path, "metrics", "stack-repaired", "--criterion", "row:20")
    assert "on the wall clock = executing /" in done.stdout
    assert "49/50 [0.90–1.00]" in done.stdout
    assert "20 PASS in a row of one program" in done.stdout and "censored" not in done.stdout


def test_a_comparison_draws_both_kinds_of_picture(tmp_path: Path) -> None:
    for name, magic in (("p.png", b"\x89PNG"), ("p.svg", b"<?xml")):
        out = tmp_path / name
        done = call(tmp_path, "compare", "a=stack-repaired", "lift-held", "--plot", str(out))
        assert done.exit_code == 0, done.output
        assert out.read_bytes().startswith(magic)
        assert "best so far on dev scenes" in done.stdout
        assert "one run, so nothing is known of its spread" in done.stdout


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("compare", "stack-repaired", "stack-repaired"), "named twice"),
        (("compare", "stack-repaired", "--plot", "x.pdf"), "must end in .png or .svg"),
        (("compare", "stack-repaired", "--plot", "/nowhere/x.png"), "no folder"),
        (("compare", "stack-repaired", "--on", "held_out"), "never make a curve"),
        (("compare", "=stack-repaired"), "LABEL=SESSION"),
        (("metrics", "stack-repaird"), "stack-repaired"),
    ],
)
def test_bad_input_is_one_named_line(tmp_path: Path, args: tuple[str, ...], said: str) -> None:
    done = call(tmp_path, *args)
    assert isinstance(done.exception, ConfigError)
    assert said in str(done.exception) and "\n" not in str(done.exception)
