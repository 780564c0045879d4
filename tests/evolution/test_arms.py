"""With and without are paired by the same unseen scenes; a run is started once and found again."""

from __future__ import annotations

import subprocess
from pathlib import Path

import msgspec
import pytest
from stopped_clock import StoppedClock
from story import opening

from aspire_tui.commands import experiments
from aspire_tui.commands.context import Context
from aspire_tui.commands.experiments import earlier, frozen, run_arm
from aspire_tui.config import Workspace
from aspire_tui.domain import Repair, RunSpec
from aspire_tui.engine.job import Job
from aspire_tui.engine.spawn import StartedEngine
from aspire_tui.events import HypothesisOpened, RunEnded, TrialClosed, TrialOpened
from aspire_tui.evolution.arms import (
    ArmRun,
    Arms,
    arm_run,
    as_json,
    first_passes,
    in_words,
    paired_outcomes,
    to_success,
)
from aspire_tui.library.load import load_library
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.recorder import Recorder

ROOT = Path(__file__).parents[2]


def spec_of(seed: int, skills: str) -> RunSpec:
    return msgspec.structs.replace(
        opening().spec, tasks=("cube_stack",), cell="yam", seed=seed, skills=skills
    )


def run_file(
    folder: Path, spec: RunSpec, outcomes: list[str], searched: int, ended: str = "done"
) -> Path:
    """A run that searched so many trials and was judged on these unseen scenes."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{spec.skills}-{spec.seed}-{ended or 'open'}.db"
    events: list[object] = [
        msgspec.structs.replace(opening(), spec=spec),
        HypothesisOpened(1, None, "plain", "", "", "p", "rules"),
    ]
    for n in range(searched + len(outcomes)):
        held = n >= searched
        seeds = 4 * n + 2 if not held else 4 * (n - searched) + 2
        which = "held_out" if held else "dev"
        outcome = outcomes[n - searched] if held else "FAIL"
        events.append(TrialOpened(n + 1, "cube_stack", seeds, which, "p", 1, "worker", "sim"))  # type: ignore[arg-type]
        events.append(TrialClosed(n + 1, outcome, "returned", None, 1.0, 1.0))  # type: ignore[arg-type]
    if ended:
        events.append(RunEnded("PASS", ended, 1))
    with Recorder.create(path, clock=StoppedClock(), ballast_bytes=0) as recorder:
        for event in events:
            recorder.append([event], {})  # type: ignore[list-item]
    return path


def counted(path: Path):  # type: ignore[no-untyped-def]
    with SessionReader(path) as reader:
        return arm_run(reader)


def test_arms_are_paired_by_run_seed_and_scene(tmp_path: Path) -> None:
    on = [counted(run_file(tmp_path, spec_of(s, "lib"), ["PASS"] * 4, searched=9)) for s in (0, 1)]
    off = [
        counted(run_file(tmp_path, spec_of(0, "none"), ["PASS", "FAIL", "FAIL", "PASS"], 3)),
        counted(run_file(tmp_path, spec_of(1, "none"), ["FAIL"], 3)),
    ]
    arms = Arms(tuple(on), tuple(off))
    assert paired_outcomes(arms) == ([True, False, False, True, False], [True] * 5)
    told = as_json(arms)
    assert (told["n"], told["fixed"], told["broken"]) == (5, 3, 0)
    assert told["cost"]["with"]["search_trials"] == [9, 9]
    assert "with 5/5" in in_words("cube_stack", arms)[0]
    assert sum("seed" in line for line in in_words("cube_stack", arms)) == 4, "every run is shown"


def test_a_run_is_found_again_done_or_to_go_on_with(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, "--workspace", ROOT)
    context = Context(workspace, False, True)
    spec = spec_of(0, "lib")
    assert earlier(context, spec) is None
    stopped = run_file(workspace.sessions, spec, [], 2, ended="operator")
    assert earlier(context, spec) == (stopped, False)
    done = run_file(workspace.sessions, spec, ["PASS"], 2)
    assert earlier(context, spec) == (done, True)
    assert earlier(context, spec_of(1, "lib")) is None
    assert earlier(context, msgspec.structs.replace(spec, rounds=9)) is None


def a_job(spec: RunSpec) -> Job:
    return Job(spec, (), (), "new.db", "yam.toml", "", (), "", ("A",))


def test_a_stopped_run_that_is_gone_on_with_is_followed_to_its_new_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    context = Context(Workspace(tmp_path, "--workspace", ROOT), False, True)
    spec = spec_of(1, "none")
    path = run_file(context.workspace.sessions, spec, ["PASS"], 1, "operator")

    def goes_on(job: Job) -> StartedEngine:
        assert Path(job.session) == path and job.resume_by
        with Recorder.open(path, ballast_bytes=0) as recorder:
            recorder.append([RunEnded("PASS", "done", 1)])
        return StartedEngine(path, tmp_path / "no.sock", subprocess.Popen(["true"]))

    monkeypatch.setattr(experiments, "start_or_exit", goes_on)
    monkeypatch.setattr(experiments, "make_job", lambda spec, *_: a_job(spec))
    assert run_arm(context, spec, ()) == path
    assert capsys.readouterr().err.count("run ended") == 1, "the old end is no end"


def test_a_frozen_library_is_kept_by_content(tmp_path: Path) -> None:
    context = Context(Workspace(tmp_path, "--workspace", ROOT), False, True)
    skills = load_library([ROOT / "skills"]).skills[:2]
    folder = frozen(context, skills)
    assert [s.digest for s in load_library([folder]).skills] == [s.digest for s in skills]
    assert frozen(context, skills) == folder != frozen(context, skills[:1])


@pytest.mark.parametrize("kept", [0, 3])
def test_a_run_without_an_end_says_so(tmp_path: Path, kept: int) -> None:
    run = counted(run_file(tmp_path, spec_of(0, "lib"), [], kept, ended=""))
    assert (run.stopped_by, run.held_out, run.search_trials) == ("not ended", {}, kept)


def search(seed: int, trials: int, *, reached: bool) -> ArmRun:
    return ArmRun(f"s{seed}", "cube_lift", seed, {}, trials, 0, 1.0, (), "done", reached)


def test_trials_to_success_are_paired_and_never_is_never_fewer() -> None:
    with_it = tuple(search(s, 80 + s, reached=True) for s in range(20))
    quick_to_give_up = tuple(search(s, 12, reached=False) for s in range(10))
    slower = tuple(search(s, 130 + s, reached=True) for s in range(10, 20))
    told = to_success(Arms(with_it, (*quick_to_give_up, *slower)))
    assert (told.pairs, told.fewer, told.more, told.most) == (20, 20, 0, 149)
    assert told.p_value < 1e-5 and (told.reached_with, told.reached_without) == (20, 10)
    saved = [149 - (80 + s) for s in range(10)] + [50] * 10
    assert told.saved_mean == pytest.approx(sum(saved) / 20)
    assert told.saved_lo < told.saved_mean < told.saved_hi and told.saved_lo > 50
    same = to_success(Arms(with_it, with_it))
    assert (same.fewer, same.more, same.p_value, same.saved_mean) == (0, 0, 1.0, 0.0)
    assert "fewer with in 20 of 20" in "\n".join(
        in_words("x", Arms(with_it, slower + quick_to_give_up))
    )


def test_one_search_has_no_interval_and_none_no_line() -> None:
    one = as_json(Arms((search(0, 8, reached=True),), (search(0, 9, reached=True),)))
    assert one["to_success"]["saved_lo"] is None  # type: ignore[index, call-overload]
    assert "trials to success" not in "\n".join(
        in_words("x", Arms((search(0, 8, reached=False),), (search(0, 9, reached=False),)))
    )


def test_every_scene_of_a_session_is_a_search_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    repair = Repair(2, 1, "goto_pose", "BLOCKED", "looks", {}, False)
    events: list[object] = [
        msgspec.structs.replace(opening(), spec=spec_of(0, "x")),
        HypothesisOpened(1, None, "plain", "", "", "p", "rules"),
        HypothesisOpened(2, 1, "looks", "", "", "q", "rules", (repair,)),
    ]
    tried = [(4, 1, "PASS"), (8, 1, "FAIL"), (8, 2, "PASS"), (12, 1, "FAIL"), (12, 2, "UNSURE")]
    for n, (seed, hypothesis, outcome) in enumerate(tried, 1):
        events.append(TrialOpened(n, "t", seed, "dev", "p", hypothesis, "worker", "sim"))
        events.append(TrialClosed(n, outcome, "returned", None, 1.0, 1.0))  # type: ignore[arg-type]
    with Recorder.create(path, clock=StoppedClock(), ballast_bytes=0) as recorder:
        for event in events:
            recorder.append([event], {})  # type: ignore[list-item]
    with SessionReader(path) as reader:
        found = {r.seed: (r.search_trials, r.reached, r.repairs) for r in first_passes(reader)}
    assert found == {4: (1, True, ()), 8: (2, True, ("looks",)), 12: (2, False, ())}
