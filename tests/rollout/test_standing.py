"""Calls that stand: planned without moving, edited and skipped like typed ones, on no clock."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

import drivers
from aspire_tui.domain import Phase
from aspire_tui.environment import reset
from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.primitives import ALL
from aspire_tui.environment.primitives.arguments import InvalidArgument
from aspire_tui.environment.primitives.registry import Primitive, catalogue
from aspire_tui.environment.primitives.stated import NEVER, stated
from aspire_tui.environment.task_file import find_task
from aspire_tui.events import CallIntent, CallResult
from aspire_tui.rollout.calls import CallServer
from aspire_tui.rollout.journal import Admission, MemoryJournal
from aspire_tui.rollout.preview import preview
from aspire_tui.rollout.sandbox.api import Abort, Answer, Call
from aspire_tui.rollout.standing import StandingCall
from aspire_tui.rollout.station import Station
from drivers.cellfile import load_cell
from drivers.sim.cell import SimCell

YAM = Path(drivers.__file__).parent / "cells" / "yam.toml"
TASK = find_task("cube_stack")
DOWN = [0.0, 0.0, 1.0, 0.0]
NAMES = catalogue(ALL, "capx", "")


@dataclass
class Stand:
    """A stand-in with a scene, and a bench that has looked at it."""

    cell: SimCell
    station: Station
    journal: MemoryJournal = field(default_factory=MemoryJournal)

    def bench(self) -> Workbench:
        return self.station.workbench(TASK, 4, self.journal)

    def server(self, gate: object, limit_s: float = 60.0) -> CallServer:
        return CallServer(
            trial=1,
            attempt=1,
            bench=self.bench(),
            cell=self.station.cell,
            names=NAMES,
            journal=self.journal,
            gate=gate,  # type: ignore[arg-type]
            cell_limit_s=limit_s,
        )

    def results(self) -> list[CallResult]:
        return [e for e in self.journal.events if isinstance(e, CallResult)]


@dataclass
class TestGate:
    """Does with each standing call what a test says."""

    __test__ = False
    handle: Callable[[StandingCall], str]

    def admit(self, intent: CallIntent, call: StandingCall) -> Admission:
        return Admission(self.handle(call))  # type: ignore[arg-type]

    def admit_phase(self, phase: Phase) -> Admission:
        return Admission("run")


@pytest.fixture(scope="module")
def made() -> Iterator[Stand]:
    cell = SimCell(load_cell(YAM))
    yield Stand(cell, Station.on(cell, cell.stand_in))
    cell.close()


@pytest.fixture
def stand(made: Stand) -> Stand:
    placed, spec = reset.draw(TASK, 4, 1, made.bench().table_z_m)
    del placed
    made.cell.stand_in.reset_scene(spec)
    return Stand(made.cell, made.station)


def call(name: str, n: int = 1, **args: object) -> Call:
    return Call(n, name, dict(args), 7)


# -- preview --------------------------------------------------------------------------------------


def test_a_preview_is_what_the_call_then_does_and_moves_nothing(stand: Stand) -> None:
    bench = stand.bench()
    args = {"position": [0.32, 0.05, 0.2], "quaternion_wxyz": DOWN}
    before, rng = stand.cell.status().arms[0].q_cmd_rad, bench.rng.bit_generator.state
    plan = preview(bench, NAMES["goto_pose"], args)
    assert stand.cell.status().arms[0].q_cmd_rad == before
    assert bench.rng.bit_generator.state == rng
    assert bench.obstacles is None and not bench.previews and not bench.views_since(-math.inf)
    assert plan.status == "OK" and plan.target_xyz_m == pytest.approx((0.32, 0.05, 0.2), abs=2e-3)
    assert plan.turn_rad > 0.1 and plan.joint in {j.name for j in bench.arm.joints}
    assert plan.reach_m == pytest.approx(math.hypot(0.32, 0.05, 0.2), abs=5e-3)
    done = NAMES["goto_pose"].invoke(bench, args)
    assert done.status == "OK"
    assert done.evidence.path is not None and plan.path is not None
    assert plan.duration_s == pytest.approx(done.evidence.path.duration_s, rel=0.2)
    assert plan.path.q_rad[-1] == pytest.approx(done.evidence.path.q_rad[-1], abs=0.02)


@pytest.mark.parametrize(
    ("name", "args", "status"),
    [
        ("goto_pose", {"position": [9, 0, 0.2], "quaternion_wxyz": DOWN}, "LIMIT"),
        ("goto_pose", {"position": "up", "quaternion_wxyz": DOWN}, "INVALID"),
        ("move_to_joints", {"joints": [0, 0]}, "INVALID"),
    ],
)
def test_a_preview_says_why_a_call_would_fail(
    stand: Stand, name: str, args: dict[str, object], status: str
) -> None:
    plan = preview(stand.bench(), NAMES[name], args)
    assert plan.status == status and plan.detail and plan.target_xyz_m is None


def test_fingers_waits_and_looks_are_previewed_as_what_they_are(stand: Stand) -> None:
    bench = stand.bench()
    before_m, before_s = bench.width_m(), stand.cell.now_s()
    grip = preview(bench, NAMES["close_gripper"], {})
    assert grip.moves and grip.width_m == bench.arm.gripper.closed_width_m and grip.force_N > 0
    assert preview(bench, NAMES["wait"], {"s": 2.0}).duration_s == 2.0
    assert not preview(bench, NAMES["get_object_pose"], {"object_name": "red cube"}).moves
    assert bench.width_m() == pytest.approx(before_m, abs=1e-3)
    assert stand.cell.now_s() == before_s


# -- edit and skip --------------------------------------------------------------------------------


def test_edits_are_checked_like_a_programs_arguments_and_taken_back(stand: Stand) -> None:
    given = {"position": np.array([0.3, 0.0, 0.2]), "quaternion_wxyz": DOWN}
    standing = StandingCall(stand.bench(), NAMES["goto_pose"], given)
    for wrong in ({"position": [1, 2]}, {"position": [math.nan, 0, 0]}, {"height": 1}):
        with pytest.raises(InvalidArgument):
            standing.edit(wrong, "op1")
    assert not standing.changes and not standing.edited_by
    standing.edit({"z_approach": 0.1}, "op1")
    standing.edit({"position": [0.3, 0.1, 0.2]}, "op2")
    assert standing.args["z_approach"] == 0.1 and standing.args["position"] == [0.3, 0.1, 0.2]
    assert standing.edited_by == "op2"
    standing.edit({}, "op2")
    assert standing.args == given and not standing.edited_by
    assert standing.shown()["position"] == [0.3, 0.0, 0.2]


def test_an_edited_call_runs_edited_and_both_are_recorded(stand: Stand) -> None:
    def raise_it(standing: StandingCall) -> str:
        standing.edit({"position": [0.3, 0.0, 0.25]}, "op1")
        return "run"

    server = stand.server(TestGate(raise_it))
    answer = server(call("goto_pose", position=[0.3, 0.0, 0.2], quaternion_wxyz=DOWN))
    assert answer.value.fields["target_xyz_m"] == pytest.approx((0.3, 0.0, 0.25), abs=1e-6)
    result = stand.results()[-1]
    assert (result.operator, result.edited_by, result.skipped_by) == ("edited", "op1", "")
    assert result.edited_args["position"] == [0.3, 0.0, 0.25]
    intent = next(e for e in stand.journal.events if isinstance(e, CallIntent))
    assert intent.args["position"] == [0.3, 0.0, 0.2]


def test_a_skipped_call_answers_what_was_stated_and_moves_nothing(stand: Stand) -> None:
    def skip(standing: StandingCall) -> str:
        standing.state("BLOCKED", {"contact_direction": [0, 0, 1]}, "met the table", "op1")
        return "skip"

    before = stand.cell.status().arms[0].q_cmd_rad
    answer = stand.server(TestGate(skip))(
        call("goto_pose", position=[0.3, 0.0, 0.2], quaternion_wxyz=DOWN)
    )
    assert stand.cell.status().arms[0].q_cmd_rad == before
    assert answer.value.status == "BLOCKED" and answer.value.detail == "met the table"
    assert answer.value.fields["contact_direction"] == (0.0, 0.0, 1.0)
    result = stand.results()[-1]
    assert (result.operator, result.skipped_by, result.status) == ("skipped", "op1", "BLOCKED")


def test_a_stated_result_that_was_not_used_leaves_no_trace(stand: Stand) -> None:
    def change_of_mind(standing: StandingCall) -> str:
        standing.state("OK", 1.0, "", "op1")
        return "run"

    stand.server(TestGate(change_of_mind))(call("dist_to", xyz=[0.3, 0.0, 0.2]))
    result = stand.results()[-1]
    assert (result.operator, result.skipped_by) == ("", "")
    assert result.value != 1.0


def test_an_abort_at_the_gate_ends_the_program(stand: Stand) -> None:
    with pytest.raises(Abort):
        stand.server(TestGate(lambda _: "abort"))(call("home_pose"))
    assert stand.results()[-1].status == "STOPPED"


def test_time_that_passes_while_a_call_stands_is_not_the_programs(stand: Stand) -> None:
    def stands_long(_: StandingCall) -> str:
        stand.cell.wait(30.0)
        return "run"

    server = stand.server(TestGate(stands_long), limit_s=10.0)
    for n in range(3):
        assert server(call("dist_to", n, xyz=[0.3, 0.0, 0.2])).error is None
    # What the program itself uses up still counts.
    assert server(call("wait", 4, s=11.0)).error is None
    assert server(call("dist_to", 5, xyz=[0.3, 0.0, 0.2])).error is not None


# -- what may be stated ---------------------------------------------------------------------------

VALUES: dict[str, object] = {
    "get_object_pose": [[0.3, 0.0, 0.03], DOWN, None],
    "look_at_object": [[0.3, 0.0, 0.03], DOWN, [0.06, 0.06, 0.06]],
    "sample_grasp_pose": [[0.3, 0.0, 0.03], DOWN],
    "select_top_down_grasp": [np.eye(4).tolist(), 0.7],
    "solve_ik": [0.0] * 6,
    "point_prompt": {"red cube": [10, 20]},
    "task_language": "stack them",
    "vlm_query": "two cubes, one on the other",
    "ask_operator": "the left one",
    "dist_to": 0.2,
    "rotation_matrix_to_quaternion": DOWN,
    "decompose_transform": [[0.3, 0.0, 0.03], DOWN],
    "pixel_to_world_point": [0.3, 0.0, 0.03],
    "transform_points": [[0.3, 0.0, 0.03]],
    "interpolate_segment": [[0.3, 0.0, 0.03], [0.3, 0.0, 0.06]],
    "normalize_vector": [0.0, 0.0, 1.0],
    "wait": None,
}


@pytest.mark.parametrize("primitive", sorted({p.name for p in NAMES.values()}))
def test_every_primitive_takes_its_own_result_or_says_that_none_can_be_typed(
    stand: Stand, primitive: str
) -> None:
    bench, known = stand.bench(), NAMES[primitive]
    if known.group in ("motion", "gripper") and "Result" in known.returns:
        made = stated(known, bench, "OK", None, "by hand")
        assert made.value and made.value.detail == "by hand"
        failed = stated(known, bench, _not_ok(known), None, "by hand")
        assert not failed.value and not failed.raises
    elif primitive in VALUES:
        made = stated(known, bench, "OK", VALUES[primitive], "by hand")
        assert not made.raises and (made.value is not None or primitive == "wait")
        with pytest.raises(InvalidArgument):
            stated(known, bench, "OK", {"no": "such"} if primitive != "point_prompt" else 3, "")
    else:
        with pytest.raises(InvalidArgument, match="another status than OK"):
            stated(known, bench, "OK", [1], "by hand")


def _not_ok(primitive: Primitive) -> str:
    return next(s for s in primitive.statuses if s not in ("OK", *NEVER))


def test_a_status_a_primitive_does_not_know_is_refused_with_those_it_does(stand: Stand) -> None:
    bench = stand.bench()
    with pytest.raises(InvalidArgument, match=r"may end in .*BLOCKED"):
        stated(NAMES["goto_pose"], bench, "EMPTY_GRASP", None, "")
    for never in NEVER:
        with pytest.raises(InvalidArgument):
            stated(NAMES["goto_pose"], bench, never, None, "")


def test_not_found_raises_where_the_upstream_name_raised_and_is_empty_where_it_was(
    stand: Stand,
) -> None:
    bench = stand.bench()
    assert stated(NAMES["get_object_pose"], bench, "NOT_FOUND", None, "gone").raises
    empty = stated(NAMES["segment_text_prompt"], bench, "NOT_FOUND", None, "gone")
    assert empty.value == [] and not empty.raises
    libero = catalogue(ALL, "libero", "")
    assert stated(libero["get_object_pose"], bench, "NOT_FOUND", None, "").value == (None, None)


@pytest.mark.parametrize(
    "value", [3, [1], {"error_m": "far"}, {"status": "OK"}, {"nonsense": 1}, {"error_m": math.inf}]
)
def test_a_motion_result_that_is_none_is_refused(stand: Stand, value: object) -> None:
    with pytest.raises(InvalidArgument):
        stated(NAMES["goto_pose"], stand.bench(), "OK", value, "")


def test_answer_type_is_what_the_program_would_have_got(stand: Stand) -> None:
    def skip(standing: StandingCall) -> str:
        standing.state("OK", [[0.3, 0.0, 0.03], DOWN, None], "", "op1")
        return "skip"

    answer: Answer = stand.server(TestGate(skip))(call("get_object_pose", object_name="red cube"))
    position, wxyz, extent = answer.value
    assert isinstance(position, np.ndarray) and position.shape == (3,)
    assert isinstance(wxyz, np.ndarray) and extent is None
