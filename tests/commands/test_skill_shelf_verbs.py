"""Skills come in through one gate, whoever asks; a foreign one is shown first and trusted never."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import msgspec
import numpy as np
import pytest
from stopped_clock import StoppedClock
from story import BLOBS, PROGRAM, opening
from typer.testing import CliRunner

import drivers
from aspire_tui.cli import app
from aspire_tui.commands import world_canary
from aspire_tui.commands.context import Context
from aspire_tui.commands.skill_shelf_verbs import stale_lines
from aspire_tui.commands.skill_standing import UNDER, changed_lines, proven_under
from aspire_tui.commands.skill_verify_verb import proof_groups
from aspire_tui.config import find_workspace
from aspire_tui.domain import Blob, Repair, sha256_hex
from aspire_tui.errors import ConfigError, PolicyRefused
from aspire_tui.events import (
    Attached,
    CanaryReported,
    HypothesisOpened,
    TrialClosed,
    TrialOpened,
)
from aspire_tui.evolution.gate import primitives_here
from aspire_tui.library.load import load_library, load_skill
from aspire_tui.library.promotion import Shelf
from aspire_tui.rollout.canary import SMALL, CanaryReport, Seen
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.recorder import Recorder

FIXTURES = Path(__file__).parents[1] / "library" / "fixtures"
LOOK = "look-again-from-home"
RUNNER = CliRunner()


def call(workspace: Path, *args: str):  # type: ignore[no-untyped-def]
    return RUNNER.invoke(app, ["--workspace", str(workspace), "skills", *args])


def session(
    workspace: Path,
    task: str,
    without: int,
    with_it: int,
    n: int,
    folder: Path,
    *,
    cell: str = "yam",
    told: tuple[CanaryReported, ...] = (),
) -> str:
    """A recording in which a skill was judged alone on n selection scenes."""
    name = f"{task}-judged"
    (workspace / "sessions").mkdir(parents=True, exist_ok=True)
    spec = msgspec.structs.replace(opening().spec, tasks=(task,), cell=cell, cell_file=cell)
    begun = msgspec.structs.replace(opening(), spec=spec)
    repair = Repair(1, 1, "segment", "NOT_FOUND", folder.name, {}, False)
    events: list[object] = [begun]
    blobs = dict(BLOBS)
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        data = path.read_bytes()
        sha = sha256_hex(data)
        blobs[sha] = ("text/plain", data)
        blob = Blob(sha, "text/plain", len(data))
        events.append(Attached("skill", f"{folder.name}/{path.relative_to(folder)}", blob))
    events.append(HypothesisOpened(1, None, "plain", "", "", PROGRAM, "rules"))
    events.append(HypothesisOpened(2, 1, "looks", "+look", "", PROGRAM, "rules", (repair,)))
    trial = 0
    for hypothesis, passes in ((1, without), (2, with_it)):
        for i in range(n):
            trial += 1
            seed = 4 * i + 1
            events.append(
                TrialOpened(trial, task, seed, "selection", PROGRAM, hypothesis, "worker", "sim")
            )
            outcome = "PASS" if i < passes else "FAIL"
            events.append(TrialClosed(trial, outcome, "returned", None, 1.0, 1.0))
    events += told
    path = workspace / "sessions" / f"{name}.db"
    with Recorder.create(path, clock=StoppedClock(), ballast_bytes=0) as recorder:
        for event in events:
            recorder.append([event], blobs)  # type: ignore[list-item]
    return name


def seen(light: float = 1.0, outcome: str = "PASS") -> CanaryReport:
    """What a canary finds under this much light."""
    rng = np.random.default_rng(7)
    grey = (light * rng.integers(40, 200, SMALL[0] * SMALL[1])).astype(np.uint8).tobytes()
    picture = Seen("scene", grey, (90 * light, 80 * light, 70 * light), 0.0, 0.0, 320)
    return CanaryReport(outcome, "", picture, "s", 4003, 7.0)


@pytest.fixture(autouse=True)
def canary(monkeypatch: pytest.MonkeyPatch) -> list[CanaryReport]:
    """What the canary's worker answers, one after the other; the last one for ever."""
    answers = [seen()]

    def answer(_: object, __: int) -> CanaryReport:
        return answers.pop(0) if len(answers) > 1 else answers[0]

    monkeypatch.setattr(world_canary, "in_a_worker", answer)
    return answers


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "ws"
    assert call(folder, "add", str(FIXTURES / LOOK), "--yes").exit_code == 0
    return folder


def test_a_foreign_skill_is_shown_with_what_it_calls_and_used_by_nothing(tmp_path: Path) -> None:
    shown = call(tmp_path, "add", str(FIXTURES / LOOK), "--yes").stdout
    assert "untrusted: look-again-from-home; its sketch calls home_pose" in shown
    assert "+++ b/SKILL.md" in shown
    listed = json.loads(call(tmp_path, "list", "--json").stdout)
    assert LOOK not in [s["name"] for s in listed["skills"]]


def test_keeping_a_foreign_skill_is_asked_for(tmp_path: Path) -> None:
    done = call(tmp_path, "add", str(FIXTURES / LOOK))
    assert isinstance(done.exception, ConfigError) and "say --yes" in str(done.exception)
    assert not (tmp_path / "skills").exists()


def test_a_repository_is_cloned_and_a_link_in_it_is_no_skill(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    shutil.copytree(FIXTURES / LOOK, repo / "skills" / LOOK)
    (repo / "skills" / "evil").symlink_to("/etc")
    who = ["-c", "user.name=x", "-c", "user.email=x@x"]
    for args in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "x"]):
        subprocess.run(["git", *args], cwd=repo, check=True, capture_output=True)
    done = call(tmp_path / "ws", "add", f"file://{repo}", "--yes", "--json")
    assert done.exit_code == 0, done.exception
    assert [r["name"] for r in json.loads(done.stdout)["quarantined"]] == [LOOK]


@pytest.mark.parametrize(
    "source", ["ext::sh -c touch% /tmp/x", "--upload-pack=x", "nowhere", "http://x/y"]
)
def test_what_is_no_address_is_refused_in_one_line(tmp_path: Path, source: str) -> None:
    done = call(tmp_path, "add", "--yes", "--", source)
    assert isinstance(done.exception, ConfigError) and "\n" not in str(done.exception)


def test_without_proof_the_operator_is_told_what_is_missing(workspace: Path) -> None:
    done = call(workspace, "promote", LOOK)
    assert done.exit_code == 3
    assert "missing  no paired runs on selection scenes: at least 20" in done.stdout
    acts = json.loads(call(workspace, "ledger", "--json").stdout)
    assert [e["act"] for e in acts["entries"]] == ["add", "begin", "abandon"]
    assert acts["open"] is None and acts["standings"] == {LOOK: "quarantined"}


def test_recordings_of_two_tasks_let_it_in_and_the_library_uses_it(workspace: Path) -> None:
    folder = workspace / "skills" / ".quarantine" / LOOK
    one = session(workspace, "cube_stack", 12, 20, 20, folder)
    two = session(workspace, "cube_lift", 7, 10, 10, folder)
    alone = call(workspace, "promote", LOOK, "--evidence", one)
    assert alone.exit_code == 3 and "helps cube_stack alone" in alone.stdout
    done = call(workspace, "promote", LOOK, "--evidence", one, "--evidence", two, "--json")
    assert done.exit_code == 0, (done.output, done.exception)
    ruling = json.loads(done.stdout)
    assert ruling["standing"] == "admitted" and len(ruling["proofs"]) == 2
    assert load_skill(workspace / "skills" / LOOK).name == LOOK
    acts = json.loads(call(workspace, "ledger", "--json").stdout)
    assert [e["act"] for e in acts["entries"]][-4:] == ["begin", "edit", "finish", "verify"]
    assert acts["standings"] == {LOOK: "admitted"}
    assert call(workspace, "verify").exit_code == 0


def test_nothing_comes_in_while_the_canary_does_not_hold(
    workspace: Path, canary: list[CanaryReport]
) -> None:
    """The lamp is out, the camera was knocked: what was proven is of another world."""
    folder = Shelf(workspace / "skills", "op", lambda: 0.0).quarantined(LOOK)
    one = session(workspace, "cube_stack", 10, 22, 24, folder)
    two = session(workspace, "cube_lift", 4, 9, 12, folder)
    given = ("--evidence", one, "--evidence", two)
    canary[:] = [seen(outcome="FAIL")]
    refused = call(workspace, "promote", LOOK, *given)
    assert refused.exit_code == 3 and "the last canary failed" in refused.stdout
    assert "known-good program" in refused.stdout
    canary[:] = [seen(), seen(0.4)]
    other = workspace / "skills" / LOOK
    assert call(workspace, "promote", LOOK, *given).exit_code == 0 and other.is_dir()
    assert (workspace / "canaries" / "yam.json").is_file(), "the next one is compared with it"
    assert call(workspace, "add", str(FIXTURES / LOOK), "--yes").exit_code == 0
    dark = call(workspace, "promote", LOOK, *given, "--note", "again")
    assert dark.exit_code == 3 and "light 0.4" in dark.stdout


@pytest.mark.parametrize(
    ("holds", "lamp", "code"), [(True, "", 0), (False, "light 0.4", 3)], ids=["as it was", "lamp"]
)
def test_of_a_bench_there_is_one_of_the_newest_recording_is_believed(
    workspace: Path, holds: bool, lamp: str, code: int
) -> None:
    """No process can run a canary on it, and a world that changed there stays changed."""
    folder = workspace / "skills" / ".quarantine" / LOOK
    told = (CanaryReported(holds, "bench", (), reason=lamp),)
    lift = session(workspace, "cube_lift", 10, 24, 24, folder, cell="so101-emulated", told=told)
    stack = session(workspace, "cube_stack", 10, 24, 24, folder, cell="so101-emulated", told=told)
    done = call(workspace, "promote", LOOK, "--evidence", lift, "--evidence", stack)
    assert done.exit_code == code, done.stdout
    assert "canary on so101-emulated, the last of its recordings" in done.output
    assert ("the last canary failed" in done.stdout) is not holds


def test_a_recording_of_another_text_is_no_proof(workspace: Path) -> None:
    folder = workspace / "skills" / ".quarantine" / LOOK
    one = session(workspace, "cube_stack", 12, 20, 20, folder)
    (folder / "scripts" / "home.py").write_text("home_pose()\nhome_pose()\n")
    done = call(workspace, "check", LOOK, "--evidence", one)
    assert done.exit_code == 1 and "measured with another text of this skill" in done.stdout


def test_files_changed_by_hand_are_named_and_can_be_taken_in(workspace: Path) -> None:
    call(workspace, "retire", "regrasp-after-slip", "--reason", "not here")
    mine = workspace / "skills" / "mine"
    shutil.copytree(FIXTURES / LOOK, mine)
    assert call(workspace, "ledger").exit_code == 5
    done = call(workspace, "verify")
    assert isinstance(done.exception, PolicyRefused) and "was added without" in str(done.exception)
    text = mine.joinpath("SKILL.md").read_text().replace(f"name: {LOOK}", "name: mine")
    mine.joinpath("SKILL.md").write_text(text)
    assert call(workspace, "verify", "--accept").exit_code == 0
    assert call(workspace, "ledger").exit_code == 0


def test_a_skill_that_calls_what_is_gone_no_longer_holds(workspace: Path) -> None:
    mine = workspace / "skills" / LOOK
    shutil.copytree(FIXTURES / LOOK, mine)
    (mine / "scripts" / "home.py").write_text("home_posture()\n")
    call(workspace, "verify", "--accept")
    done = call(workspace, "verify", "--json")
    assert done.exit_code == 1
    rows = {r["name"]: r for r in json.loads(done.stdout)["skills"]}
    assert not rows[LOOK]["holds"] and "home_posture is not a primitive here" in rows[LOOK]["why"]
    acts = json.loads(call(workspace, "ledger", LOOK, "--json").stdout)["entries"]
    assert acts[-1]["act"] == "verify" and acts[-1]["details"] == {"holds": False}


def test_a_repair_of_a_recorded_session_is_drafted_edited_and_promoted(tmp_path: Path) -> None:
    recorded = tmp_path / "ws" / "sessions" / "stack.db"
    recorded.parent.mkdir(parents=True)
    shutil.copy(Path(__file__).parents[2] / "sessions" / "stack-repaired.db", recorded)
    ws = tmp_path / "ws"
    first = call(ws, "draft", "stack", "--hypothesis", "1")
    assert isinstance(first.exception, ConfigError) and "is a first program" in str(first.exception)
    drafted = call(ws, "draft", "stack", "--hypothesis", "2", "--name", "look-first", "--json")
    told = json.loads(drafted.stdout)
    assert told["standing"] == "refused" and "helps cube_stack alone" in told["missing"][0]
    text = Path(told["folder"]) / "SKILL.md"
    text.write_text(text.read_text().replace("  kind:", '  task-specific: "cube_stack"\n  kind:'))
    done = call(ws, "promote", "look-first")
    assert done.exit_code == 0 and "look-first: admitted" in done.stdout
    assert call(ws, "promote", "look-first").exception is not None, "nothing waits any more"
    shown = call(ws, "show", "look-first").stdout
    assert "--- admitted" in shown


def test_of_two_promotions_at_once_one_is_told_of_the_other(workspace: Path) -> None:
    shelf = Shelf(workspace / "skills", "ann", lambda: 0.0)
    shelf.begin(LOOK)
    done = call(workspace, "promote", LOOK)
    assert isinstance(done.exception, PolicyRefused)
    assert "a promotion of look-again-from-home by ann is open" in str(done.exception)
    with shelf.ledger.writing():
        busy = call(workspace, "retire", LOOK, "--abandon", "--reason", "x")
    assert "another command is changing these skills" in str(busy.exception)


def test_what_ran_proves_every_text_that_makes_the_same_program(tmp_path: Path) -> None:
    done = call(
        tmp_path, "check", "look-closer-before-grasp", "--evidence", "stack-repaired", "--json"
    )
    ruling = json.loads(done.stdout)
    assert "31/32 with" in ruling["proofs"][0] and "20/32 without" in ruling["proofs"][0]
    assert not any("another text" in line for line in ruling["missing"])


def test_a_recorded_failure_is_matched_with_the_reason_and_held_out_ones_are_not(
    tmp_path: Path,
) -> None:
    done = call(tmp_path, "match", "stack-repaired", "--trial", "3", "--json")
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert (told["call"], told["primitive"], told["status"]) == (5, "goto_pose", "BLOCKED")
    best = told["matches"][0]
    assert best["skill"] == "look-closer-before-grasp"
    assert best["why"].startswith("goto_pose ended BLOCKED, after sample_grasp_pose")
    with SessionReader(Path(__file__).parents[2] / "sessions" / "stack-repaired.db") as reader:
        held = next(t.trial for t in reader.trials() if t.seed_set == "held_out")
    asked = call(tmp_path, "match", "stack-repaired", "--trial", str(held))
    assert "held-out scene" in str(asked.exception)
    nothing = call(tmp_path, "match", "lift-held")
    assert isinstance(nothing.exception, ConfigError)


def test_what_cannot_be_a_skill_is_refused_in_one_line(tmp_path: Path) -> None:
    bad = shutil.copytree(FIXTURES / LOOK, tmp_path / LOOK)
    (bad / "scripts" / "home.py").write_text("import os\n")
    done = call(tmp_path / "ws", "add", str(bad), "--yes")
    assert isinstance(done.exception, PolicyRefused)
    assert done.output == "" and "Import is not allowed in a sketch" in str(done.exception)


def test_evidence_of_an_older_text_is_named_by_its_task(tmp_path: Path) -> None:
    folder = shutil.copytree(
        Path(__file__).parents[2] / "skills" / "look-closer-before-grasp",
        tmp_path / "skills" / "look-closer-before-grasp",
    )
    assert not stale_lines(load_skill(folder), frozenset(primitives_here()))
    text = (folder / "skill.toml").read_text().replace("default = 0.12", "default = 0.08")
    (folder / "skill.toml").write_text(text)
    (line,) = stale_lines(load_skill(folder), frozenset(primitives_here()))
    assert line.startswith("its evidence on cube_") and "measured with another text" in line


def test_skills_share_runs_unless_each_is_run_held_out() -> None:
    library = load_library([Path(__file__).parents[2] / "skills"])
    two = [library.get("regrasp-after-empty"), library.get("regrasp-after-slip")]
    shared = proof_groups(two, ["cube_stack"])
    assert [[s.name for s in group] for group in shared.values()] == [[s.name for s in two]]
    assert len(proof_groups(two, ["cube_stack"], alone=True)) == 2
    ((task, program, cell, _),) = proof_groups([library.get("round-the-buffer")], [])
    assert (task, program, cell) == ("radio_pickup", "", "mobile")


@pytest.mark.parametrize("name", ["", ".", "..", "../../evil", "A B", "x" * 65])
def test_what_is_no_name_of_a_skill_becomes_no_path(workspace: Path, name: str) -> None:
    before = sorted(p for p in workspace.parent.rglob("*"))
    asked = (
        ("draft", "stack-repaired", "--hypothesis", "2", "--name", name or " "),
        ("promote", name),
        ("retire", name, "--reason", "x"),
        ("verify", "--task", "cube_lift", name),
    )
    for words in asked:
        done = call(workspace, *words)
        assert isinstance(done.exception, ConfigError) and "\n" not in str(done.exception)
    shelf = Shelf(workspace / "skills", "ann", lambda: 0.0)
    for act in (shelf.begin, shelf.quarantined):
        with pytest.raises(ConfigError, match="must be 1 to 64 of a-z"):
            act(name)
    with pytest.raises(ConfigError, match=r"must be 1 to 64 of a-z|nothing does not wait"):
        shelf.discard(name, "why")
    assert sorted(p for p in workspace.parent.rglob("*")) == before


def test_what_changed_under_a_proof_is_named_with_the_way_to_prove_it_again(
    workspace: Path,
) -> None:
    cell = workspace / "cells" / "yam.toml"
    cell.parent.mkdir()
    shipped = Path(drivers.__file__).parent / "cells" / "yam.toml"
    cell.write_text(shipped.read_text())
    folder = shutil.copytree(
        Path(__file__).parents[2] / "skills" / "look-closer-before-grasp",
        workspace / "skills" / "look-closer-before-grasp",
    )
    proven = load_skill(folder)
    context = Context(find_workspace(workspace), ascii=True, plain=True)
    under = proven_under(context, proven, "cube_stack", "yam")
    assert set(under) == set(UNDER)
    path = folder / "evidence.json"
    told = json.loads(path.read_text())
    told["proofs"] = [p for p in told["proofs"] if p["task"] == "cube_stack"]
    told["proofs"][0]["hashes"] |= under
    path.write_text(json.dumps(told))
    assert changed_lines(context, load_skill(folder)) == []
    cell.write_text("# moved to the other bench\n" + cell.read_text())
    assert changed_lines(context, load_skill(folder)) == [], "a comment changes nothing"
    cell.write_text(cell.read_text().replace("wrist_xyz_sd_m = 0.001", "wrist_xyz_sd_m = 0.002"))
    assert changed_lines(context, load_skill(folder)) == [
        "cell yam changed since it was proven on cube_stack: "
        "skills verify look-closer-before-grasp --task cube_stack --cell yam --write"
    ]
    assert call(workspace, "verify", "--accept").exit_code == 1
    assert proven_under(context, proven, "nobody_knows", "elsewhere").keys() == {"primitives"}
