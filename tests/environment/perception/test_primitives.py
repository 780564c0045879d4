"""Perception primitives as programs call them: values, statuses and what they leave as evidence."""

from types import SimpleNamespace

import numpy as np
import pytest

from aspire_tui.domain import Blob, Keyframe
from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.primitives import geometry, grasping, masks, perception
from aspire_tui.environment.primitives.registry import catalogue
from drivers.types import ArmSample, ArmSpec, CameraSpec, CellInfo, Frame, GripperSpec, Workspace

SQUARE, BLACK, TWO = np.ones((4, 4)), np.zeros((4, 4, 3), np.uint8), np.zeros((2, 4, 4))
EVERY = (*perception.PRIMITIVES, *masks.PRIMITIVES, *grasping.PRIMITIVES, *geometry.PRIMITIVES)
CAPX = catalogue(EVERY, "capx", "")
EYES = {
    "scene": {"eye": (0.95, 0.25, 0.55)},
    "wrist": {"eye": (0.26, 0.0, 0.35), "at": (0.33, 0.0, 0.0), "fovy_deg": 58},
}
ARM = ArmSpec("arm", "none", (), GripperSpec(0.075, 0.0, 40.0, 0.1), (0.1, 0.2, 0.3), "tool")
SPECS = tuple(
    CameraSpec(n, m, 320, 240, 42.0, (0, 0, 0), (1, 0, 0, 0))
    for n, m in (("scene", "base"), ("wrist", "arm"))
)


class StageCell:
    """A still cell whose cameras look at a rendered stage."""

    def __init__(self, scene):
        self.scene = scene
        self.rendered = {}
        self.info = CellInfo(
            "stage",
            "sim",
            "sim",
            (ARM,),
            SPECS,
            Workspace((0, -1, 0), (1, 1, 1), 0.0),
            100.0,
            "NOT WIRED",
        )

    def status(self):
        arm = ArmSample(0.0, ARM.home_rad, (0, 0, 0), ARM.home_rad, 0.03, 0.03, 0.0)
        return SimpleNamespace(arms=(arm,))

    def frame(self, camera):
        key = (camera, len(self.scene.things))
        if key not in self.rendered:
            self.rendered[key] = self.scene.render(camera=camera, **EYES[camera])
        p = self.rendered[key]
        depth = (p.depth_m / 1e-4).round().astype(np.uint16)
        return Frame(camera, 1, 0.5, 0.0, p.rgb, depth, 1e-4, p.K, p.T_base_cam, "base")


class Kept:
    """Remembers which pictures were kept and whether something was drawn on them."""

    def __init__(self):
        self.frames = []

    def keyframe(self, view, overlay=None):
        assert overlay is None or overlay.shape == view.rgb.shape
        self.frames.append((view.camera, overlay is not None))
        blob = Blob("0", "image/png", 1)
        return Keyframe(view.camera, 0.0, blob, None, 1e-4, (), ())


@pytest.fixture
def bench(stage):
    scene = stage()
    scene.put("red", (0.33, 0.02), (0.044, 0.044, 0.044), 0.3)
    scene.put("green", (0.30, -0.1), (0.05, 0.05, 0.05))
    down = np.diag([-1.0, 1.0, -1.0, 1.0])
    return Workbench(
        cell=StageCell(scene),
        arm=ARM,
        kinematics=SimpleNamespace(tool_pose=lambda q: down),
        task_language="Lift the red cube.",
        rng=np.random.default_rng(0),
        evidence=Kept(),
    )


def call(bench, name, **given):
    return CAPX[name].invoke(bench, given)


def test_the_observation_has_the_upstream_shape(bench):
    obs = call(bench, "get_observation").value
    for name in ("scene", "wrist", "robot0_robotview", "robot0_eye_in_hand"):
        camera = obs[name]
        assert camera["images"]["rgb"].dtype == np.uint8
        assert camera["images"]["depth"].dtype == np.float32
        assert camera["images"]["depth"].shape == camera["images"]["rgb"].shape[:2]
        assert camera["pose_mat"].shape == (4, 4)
        assert camera["pose"].shape == (7,)
    assert np.allclose(obs["robot_joint_pos"], (*ARM.home_rad, 0.4))
    assert np.allclose(obs["robot_cartesian_pos"], (0, 0, 0, 0, 0, 1, 0, 0.4))
    assert obs["full_prompt"] == "Lift the red cube."
    assert bench.evidence.frames == [("scene", False), ("wrist", False)]


def test_no_truth_hides_in_an_observation(bench):
    obs = call(bench, "get_observation").value
    assert not any("cube" in key for key in obs)


def test_a_low_level_program_gets_from_picture_to_grasp(bench):
    view = call(bench, "get_observation").value["robot0_robotview"]
    masks = call(
        bench, "segment_sam3_text_prompt", rgb=view["images"]["rgb"], text_prompt="red cube"
    ).value
    assert set(masks[0]) == {"mask", "box", "score", "label"}
    mask, depth, K = masks[0]["mask"], view["images"]["depth"], view["intrinsics"]
    points = call(
        bench,
        "mask_to_world_points",
        mask=mask,
        depth=depth,
        intrinsics=K,
        extrinsics=view["pose_mat"],
    ).value
    box = call(bench, "get_oriented_bounding_box_from_3d_points", points=points).value
    assert np.linalg.norm(box["center"][:2] - (0.33, 0.02)) < 0.015
    planned = call(bench, "plan_grasp", depth=depth, intrinsics=K, segmentation=mask)
    grasps, scores = planned.value
    assert grasps.shape == (len(scores), 4, 4)
    assert 0 < len(planned.evidence.grasps) <= 32
    T, score = call(
        bench,
        "select_top_down_grasp",
        grasps=grasps,
        scores=scores,
        cam_to_world=view["pose_mat"],
    ).value
    assert score == pytest.approx(scores.max())
    assert np.linalg.norm(T[:3, 3] - (0.33, 0.02, 0.022)) < 0.012
    assert T[2, 2] < -0.8


def test_a_foreign_picture_is_judged_by_colour_and_says_so(bench):
    rgb = bench.look("scene").rgb[::2, ::2].copy()
    outcome = call(bench, "segment_text_prompt", rgb=rgb, text_prompt="red cube")
    assert outcome.status == "OK"
    assert "no depth" in outcome.summary
    assert outcome.evidence.keyframes == ()


def test_nothing_found_keeps_the_empty_value_and_the_status(bench):
    rgb = bench.look("scene").rgb
    masks = call(bench, "segment_text_prompt", rgb=rgb, text_prompt="purple cube")
    assert (masks.status, masks.value, masks.raises) == ("NOT_FOUND", [], False)
    point = call(bench, "point_prompt_molmo", image=rgb, text_prompt="purple cube")
    assert (point.status, point.value) == ("NOT_FOUND", {"purple cube": (None, None)})
    table = call(bench, "segment_point_prompt", rgb=rgb, point_coords=(5.0, 230.0))
    assert (table.status, table.value) == ("NOT_FOUND", [])


def test_a_pose_that_is_not_found_raises_with_its_picture_kept(bench):
    for name in ("get_object_pose", "sample_grasp_pose", "look_at_object"):
        outcome = call(bench, name, object_name="purple cube")
        assert (outcome.status, outcome.raises) == ("NOT_FOUND", True), name
        assert len(outcome.evidence.keyframes) == 1
        assert "purple cube" in outcome.summary


def test_words_that_cannot_be_used_are_in_the_trace(bench):
    rgb = bench.look("scene").rgb
    masks = call(bench, "segment_text_prompt", rgb=rgb, text_prompt="shiny red cube")
    assert "shiny" in masks.summary
    pose = call(bench, "get_object_pose", object_name="shiny red cube")
    assert any("shiny" in note for note in pose.evidence.notes)


def test_a_pose_is_a_triple_and_its_extent_is_on_request(bench):
    position, wxyz, extent = call(bench, "get_object_pose", object_name="red cube").value
    assert np.linalg.norm(position - (0.33, 0.02, 0.022)) < 0.004
    assert wxyz.shape == (4,)
    assert extent is None
    *_, extent = call(
        bench, "get_object_pose", object_name="red cube", return_bbox_extent=True
    ).value
    assert np.abs(extent - 0.044).max() < 0.004


def test_cameras_are_chosen_by_name_and_all_joins_them(bench):
    call(bench, "get_object_pose", object_name="red cube")
    call(bench, "look_at_object", object_name="red cube")
    both = call(bench, "get_object_pose", object_name="red cube", camera="all")
    cameras = [c for c, _ in bench.evidence.frames]
    assert cameras == ["scene", "wrist", "scene", "wrist"]
    assert all(drawn for _, drawn in bench.evidence.frames)
    assert "apart" in both.summary
    wrong = call(bench, "look_at_object", object_name="red cube", camera="ceiling")
    assert wrong.status == "INVALID"
    assert "scene, wrist" in wrong.summary


def test_the_plain_grasp_points_down_from_one_look(bench):
    outcome = call(bench, "sample_grasp_pose", object_name="red cube")
    position, wxyz = outcome.value
    assert np.linalg.norm(position - (0.33, 0.02, 0.022)) < 0.005
    assert abs(np.linalg.norm(wxyz) - 1) < 1e-9
    assert abs(wxyz[0]) < 1e-6
    assert abs(wxyz[3]) < 1e-6
    assert [c for c, _ in bench.evidence.frames] == ["scene"]
    assert len(outcome.evidence.grasps) == 1


def test_a_thing_wider_than_the_gripper_has_no_plain_grasp(bench):
    bench.cell.scene.put("blue", (0.38, 0.12), (0.1, 0.1, 0.04))
    outcome = call(bench, "sample_grasp_pose", object_name="blue box")
    assert outcome.status == "NOT_FOUND"
    assert "opens 75 mm" in outcome.summary


def test_other_profiles_have_their_own_shapes(bench):
    libero = catalogue(EVERY, "libero", "")
    pair = libero["get_object_pose"].invoke(bench, {"object_name": "red cube"}).value
    assert len(pair) == 2
    none = libero["sample_grasp_pose"].invoke(bench, {"object_name": "purple cube"})
    assert (none.value, none.raises) == ((None, None), False)
    assert "agentview" in libero["get_observation"].invoke(bench, {}).value


def test_clouds_of_another_frame_give_grasps_in_that_frame(bench):
    view = bench.look("scene")
    rgb, depth, K = view.rgb, view.depth_m, view.K
    mask = call(bench, "segment_text_prompt", rgb=rgb, text_prompt="red cube").value[0]["mask"]
    cloud = call(bench, "depth_to_point_cloud", depth_img=depth, intrinsics=K).value
    world = call(bench, "transform_points", points=cloud, transform_matrix=view.T_base_cam).value
    seen = depth > 0
    grasps, _ = call(
        bench, "plan_grasp_from_point_clouds", pc_full=world[seen], pc_segment=world[mask & seen]
    ).value
    assert np.linalg.norm(grasps[0][:3, 3] - (0.33, 0.02, 0.022)) < 0.012
    assert grasps[0][2, 2] < -0.8


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("plan_grasp", {"depth": SQUARE, "intrinsics": np.eye(3), "segmentation": np.ones((5, 5))}),
        ("get_object_pose", {"object_name": ""}),
        ("get_object_pose", {"object_name": "x" * 300}),
        ("segment_text_prompt", {"rgb": SQUARE, "text_prompt": "red"}),
        ("segment_point_prompt", {"rgb": BLACK, "point_coords": (np.nan, 1)}),
        ("interpolate_segment", {"p1": [0, 0, 0], "p2": [1, 0, 0], "step": 0.0}),
        ("interpolate_segment", {"p1": [0, 0, 0], "p2": [1e6, 0, 0]}),
        ("get_oriented_bounding_box_from_3d_points", {"points": np.zeros((2, 3))}),
        ("select_top_down_grasp", {"grasps": TWO, "scores": [1.0], "cam_to_world": np.eye(4)}),
    ],
)  # fmt: skip
def test_bad_input_ends_invalid(bench, name, given):
    outcome = call(bench, name, **given)
    assert (outcome.status, outcome.raises) == ("INVALID", True)
    assert "\n" not in outcome.summary


def test_a_depth_picture_without_a_table_has_no_grasp(bench):
    noise = np.random.default_rng(1).uniform(0.3, 2.0, (60, 80)).astype(np.float32)
    outcome = call(
        bench, "plan_grasp", depth=noise, intrinsics=np.diag([50.0, 50.0, 1.0]),
        segmentation=np.ones((60, 80)),
    )  # fmt: skip
    assert (outcome.status, outcome.raises) == ("NOT_FOUND", True)


def test_helpers_agree_with_numpy(bench):
    line = call(bench, "interpolate_segment", p1=[0, 0, 0], p2=[0.1, 0, 0]).value
    assert np.allclose(line[0], 0)
    assert np.allclose(line[-1], (0.1, 0, 0))
    assert len(line) == 5
    assert np.allclose(call(bench, "normalize_vector", v=[3, 0, 4]).value, (0.6, 0, 0.8))
    p, q = call(bench, "decompose_transform", T=np.eye(4)).value
    assert np.allclose(p, 0)
    assert np.allclose(q, (1, 0, 0, 0))
    pixel = call(
        bench, "pixel_to_world_point", u=3, v=2, z=2.0, intrinsics=np.diag([10.0, 10.0, 1.0]),
        extrinsics=np.eye(4),
    ).value  # fmt: skip
    assert np.allclose(pixel, (0.6, 0.4, 2.0))
    cloud = np.random.default_rng(0).normal(size=(500, 3)) * 0.01
    few = call(bench, "subsample_point_cloud", pc=cloud, max_points=50).value
    assert few.shape == (50, 3)
    stray = np.vstack([cloud, [[1.0, 1, 1]]])
    points, colors = call(bench, "filter_noise", points=stray, colors=stray).value
    assert len(points) == len(colors)
    assert points.max() < 0.5


def test_the_task_is_told_in_words(bench):
    assert call(bench, "task_language").value == "Lift the red cube."
