"""Tasks by an operator: from a sentence, judged by their word or by a verifier proven first."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from aspire_tui.cli import app
from aspire_tui.environment.drafted import NoDraft, goal_of
from aspire_tui.environment.judging import Sensed
from aspire_tui.environment.new_task import (
    SentenceError,
    compose_task,
    things_in,
    to_toml,
    unproven,
)
from aspire_tui.environment.relations import RELATIONS
from aspire_tui.environment.seen_end import fuse
from aspire_tui.environment.task import Relation
from aspire_tui.environment.task_file import load_task
from aspire_tui.errors import ConfigError
from tests.improvement.loopback import Loopback, Says


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


DRAFT = '{"goal": [{"relation": "on", "object": "red cube", "target": "blue box"}], "why": "so"}'
THINGS = things_in("Put the red cube on the blue box")


def test_a_draft_is_relations_of_the_things_that_are_named() -> None:
    goal, why = goal_of(f"Here it is:\n```json\n{DRAFT}\n```", THINGS)
    assert (goal, why) == ((Relation("on", "red cube", "blue box"),), "so")
    task = compose_task(
        "Put the red cube on the blue box", "box_it", verifier="draft", drafted=goal
    )
    assert task.goal == goal and "0 good" in unproven(task)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("I cannot", "no verifier"),
        ('{"goal": []}', "no relation"),
        (DRAFT.replace("blue box", "green can"), "none of red cube, blue box"),
        (DRAFT.replace('"on"', '"operator_says"'), "is none of on"),
        (DRAFT.replace("blue box", "red cube"), "2 different things"),
        (DRAFT.replace('"object"', '"value_m": 9, "object"'), "limits are none"),
        (DRAFT.replace('"object"', '"run": "rm -rf", "object"'), "no verifier"),
        ('{"goal": ' + "[" * 3000, "no verifier"),
    ],
)
def test_a_draft_that_is_none_is_refused_in_one_line(answer: str, says: str) -> None:
    with pytest.raises(NoDraft, match=says) as refused:
        goal_of(answer, THINGS)
    assert "\n" not in str(refused.value)


def test_a_model_drafts_a_verifier_and_its_key_stays_with_the_process_that_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-api03-draftDraft0123456789")
    run = CliRunner()
    with Loopback(lambda asked: Says(DRAFT)) as loopback:
        new = (
            *("--workspace", str(tmp_path), "tasks", "new", "cube_on_box"),
            *("Put the red cube on the blue box", "--verifier", "draft"),
            *("--model", "anthropic:claude-haiku-4-5", "--model-url", loopback.url("anthropic")),
        )
        made = run.invoke(app, new)
    assert made.exit_code == 0, made.output
    assert "red cube on blue box" in made.stdout and "0 good" in made.stdout
    text = (tmp_path / "tasks" / "cube_on_box.toml").read_text()
    assert "sk-ant" not in text + made.output
    assert "blue box" in loopback.asked[0].told[-1].text
    bare = run.invoke(app, [*new[:4], "other", new[5], "--verifier", "draft"])
    assert isinstance(bare.exception, ConfigError) and "--model" in str(bare.exception)


def test_from_the_command_line_to_a_task_that_is_listed(tmp_path: Path) -> None:
    run = CliRunner()
    there = ["--workspace", str(tmp_path)]
    new = [*there, "tasks", "new", "lift_it", "Lift the red cube", "--verifier", "template"]
    made = run.invoke(app, new)
    assert made.exit_code == 0, made.output
    assert "0 good" in made.stdout
    assert "lift_it" in run.invoke(app, [*there, "tasks", "list"]).stdout
    # The session that ships kept no sensors with its verdicts.
    label = [*there, "tasks", "label"]
    for task, session, trial, says in (
        ("lift_it", "lift-held", ("1", "good"), "before sensors were kept"),
        ("lift_it", "lift-held", ("1", "fine"), "one of good, bad"),
        ("lift_it", "lift-held", (), "no verdict was overridden"),
        ("lift_it", "nowhere", ("1", "good"), "no session"),
        ("cube_lift", "lift-held", ("1", "good"), "bench verifier"),
    ):
        told = run.invoke(app, [*label, task, session, *trial])
        assert isinstance(told.exception, ConfigError) and says in str(told.exception), told
    assert "good" in run.invoke(app, [*there, "tasks", "table", "lift_it"]).stdout
    assert run.invoke(app, new).exit_code != 0
