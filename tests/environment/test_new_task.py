"""Tasks by an operator: from a sentence, judged by their word or by a verifier proven first."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from aspire_tui.cli import app
from aspire_tui.environment.judging import Sensed
from aspire_tui.environment.new_task import (
    SentenceError,
    compose_task,
    label,
    to_toml,
    unproven,
)
from aspire_tui.environment.relations import RELATIONS
from aspire_tui.environment.task_file import load_task
from aspire_tui.environment.verify import fuse


def test_a_sentence_becomes_a_file_that_reads_back_the_same(tmp_path: Path) -> None:
    made = compose_task(
        "Put the red cube onto the blue box", "cube_on_box", verifier="template", reset_by="arm",
        sizes=[("blue box", (0.09, 0.09, 0.03))], rectangle=(0.25, 0.4, -0.1, 0.1),
    )  # fmt: skip
    assert [o.name for o in made.objects] == ["red cube", "blue box"]
    assert made.goal[0].relation == "on" and made.goal[0].target == "blue box"
    path = tmp_path / "cube_on_box.toml"
    path.write_text(to_toml(made))
    assert load_task(path) == made


@pytest.mark.parametrize(
    ("sentence", "options", "says"),
    [
        ("Tidy up", {}, "no coloured thing"),
        ("Fold the red cloth", {"verifier": "template"}, "no template"),
        ("Lift the red cube", {"name": "Bad Name"}, "small letters"),
        ("Lift the red cube", {"sizes": [("green cube", (1, 1, 1))]}, "not in the sentence"),
    ],
)
def test_what_cannot_be_made_is_refused_in_one_line(sentence, options, says) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SentenceError, match=says):
        compose_task(sentence, **{"name": "a_task", **options})


@pytest.mark.parametrize(
    ("said", "outcome"), [("y", "PASS"), ("No", "FAIL"), ("unsure", "UNSURE"), ("", "UNSURE")]
)
def test_the_operator_is_the_verifier_and_silence_is_unsure(said: str, outcome: str) -> None:
    task = compose_task("Fold the red cloth", "fold")
    sensed = Sensed(0.07, (0.3, 0, 0.3), 0.0, answer=said)
    kind = RELATIONS["operator_says"]
    assert fuse(kind.checks(task, task.goal[0], [], sensed))[0] == outcome
    assert unproven(task) == ""


def test_a_template_counts_only_after_ten_good_and_ten_bad_and_never_after_a_false_pass() -> None:
    task = compose_task("Lift the red cube", "lift_it", verifier="template")
    assert "0 good" in unproven(task)
    for _ in range(10):
        task = label(task, "PASS", good=True)
    assert "10 good and 0 bad" in unproven(task)
    for _ in range(10):
        task = label(task, "FAIL", good=False)
    assert unproven(task) == ""
    assert "passed 1 of 11" in unproven(label(task, "PASS", good=False))


def test_from_the_command_line_to_a_task_that_is_listed(tmp_path: Path) -> None:
    run = CliRunner()
    there = ["--workspace", str(tmp_path)]
    new = [*there, "tasks", "new", "lift_it", "Lift the red cube", "--verifier", "template"]
    made = run.invoke(app, new)
    assert made.exit_code == 0, made.output
    assert "0 good" in made.stdout
    assert "lift_it" in run.invoke(app, [*there, "tasks", "list"]).stdout
    told = run.invoke(app, [*there, "tasks", "label", "lift_it", "PASS", "good"])
    assert told.exit_code == 0 and "1 good" in told.stdout
    assert run.invoke(app, new).exit_code != 0
