"""Perception stacks: one answer shape whoever looks; a service that is down is not "nothing"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.model import Picture
from aspire_tui.environment.perception.servers import points_in
from aspire_tui.environment.primitives import asking_model, grasping, masks, perception
from aspire_tui.environment.primitives.registry import catalogue
from aspire_tui.environment.services import ServiceFailed
from aspire_tui.environment.stacks import Stacks
from drivers.types import PerceptionSection

from .eyes_server import EyesServer
from .test_primitives import Kept, StageCell

NAMES = catalogue(
    (
        *masks.PRIMITIVES,
        *perception.PRIMITIVES,
        *grasping.PRIMITIVES,
        *asking_model.PRIMITIVES,
    ),
    "capx",
    "",
)


class Scripted:
    """A model that answers what it is told to, and keeps what it was asked."""

    name = "test:scripted"

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int, float]] = []

    def ask(self, question: str, pictures: Sequence[Picture], temperature: float) -> str:
        self.asked.append((question, len(pictures), temperature))
        return self.answers.pop(0)


@pytest.fixture
def eyes() -> Iterator[EyesServer]:
    with EyesServer().serving() as server:
        yield server


@pytest.fixture
def scene(stage: Any) -> Any:
    s = stage()
    s.put("red", (0.33, 0.06), (0.05, 0.05, 0.05))
    s.put("green", (0.33, -0.10), (0.05, 0.05, 0.05))
    return s


def kept(bench: Workbench) -> list[tuple[str, bool]]:
    frames: list[tuple[str, bool]] = bench.evidence.frames  # type: ignore[attr-defined]
    return frames


def bench_of(scene: Any, section: PerceptionSection, model: Any = None) -> Workbench:
    cell: Any = StageCell(scene)
    arm = cell.info.arms[0]
    still: Any = SimpleNamespace(tool_pose=lambda q: np.eye(4), hand_pose=lambda q: np.eye(4))
    bench = Workbench(cell, arm, still, "lift it", np.random.default_rng(0))
    bench.evidence = Kept()  # type: ignore[assignment]
    bench.stacks = Stacks.of(section, model)
    if model is not None:
        bench.model = model
    return bench


def boxed(bench: Workbench, text: str) -> str:
    """A model's answer: a box a little larger than the thing, with words round it."""
    rgb = bench.look("scene").rgb
    asked = {"rgb": rgb, "text_prompt": text, "stack": "classical"}
    x1, y1, x2, y2 = NAMES["segment_text_prompt"].invoke(bench, asked).value[0]["box"]
    h, w = rgb.shape[:2]
    box = [
        round(v) for v in (1e3 * x1 / w - 6, 1e3 * y1 / h - 6, 1e3 * x2 / w + 6, 1e3 * y2 / h + 6)
    ]
    return f'Sure: [{{"box": {box}, "score": 0.7}}]'


@pytest.mark.parametrize("stack", ["classical", "server", "vlm"])
def test_every_stack_answers_in_the_same_shape(scene: Any, eyes: EyesServer, stack: str) -> None:
    section = PerceptionSection(segment_url=eyes.url, point_url=f"{eyes.url}/v1")
    bench = bench_of(scene, section)
    bench.stacks = Stacks.of(section, Scripted(*[boxed(bench, "red cube")] * 3))
    rgb = bench.look("scene").rgb
    asked = {"rgb": rgb, "text_prompt": "red cube", "stack": stack}
    found = NAMES["segment_sam3_text_prompt"].invoke(bench, asked)
    assert found.status == "OK", found.summary
    assert set(found.value[0]) == {"mask", "box", "score", "label"}
    assert found.value[0]["mask"].shape == rgb.shape[:2]
    assert 0.3 <= found.value[0]["score"] <= 1.0
    assert kept(bench)[-1] == ("scene", True)
    given = {"object_name": "red cube", "return_bbox_extent": True, "stack": stack}
    pose = NAMES["get_object_pose"].invoke(bench, given)
    assert pose.status == "OK", pose.summary
    assert np.hypot(*(pose.value[0][:2] - (0.33, 0.06))) < 0.008
    assert kept(bench)[-1] == ("scene", True)
    assert (stack in " ".join(pose.evidence.notes)) == (stack != "classical")
    assert bool(eyes.asked) == (stack == "server")
    grasp = NAMES["sample_grasp_pose"].invoke(bench, {"object_name": "red cube", "stack": stack})
    assert grasp.status == "OK" and len(grasp.value) == 2


def test_the_cell_file_chooses_and_a_call_may_choose_otherwise(
    scene: Any, eyes: EyesServer
) -> None:
    bench = bench_of(scene, PerceptionSection(stack="server", segment_url=eyes.url))
    NAMES["get_object_pose"].invoke(bench, {"object_name": "red cube"})
    assert [path for path, _ in eyes.asked] == ["/segment"]
    NAMES["get_object_pose"].invoke(bench, {"object_name": "red cube", "stack": "classical"})
    assert len(eyes.asked) == 1
    wrong = NAMES["get_object_pose"].invoke(bench, {"object_name": "red cube", "stack": "sam9"})
    assert wrong.status == "INVALID" and wrong.raises and "classical, server, vlm" in wrong.summary


def test_words_of_place_hold_whoever_looks(scene: Any, eyes: EyesServer) -> None:
    scene.put("red", (0.33, -0.19), (0.05, 0.05, 0.05))
    bench = bench_of(scene, PerceptionSection(stack="server", segment_url=eyes.url))
    asked = {"object_name": "red cube left of the green cube"}
    found = NAMES["get_object_pose"].invoke(bench, asked)
    assert found.status == "OK", found.summary
    assert abs(found.value[0][1] - 0.06) < 0.01


def test_points_and_masks_under_them(scene: Any, eyes: EyesServer) -> None:
    section = PerceptionSection(stack="server", segment_url=eyes.url, point_url=f"{eyes.url}/v1")
    bench = bench_of(scene, section)
    rgb = bench.look("scene").rgb
    point = NAMES["point_prompt_molmo"].invoke(bench, {"image": rgb, "text_prompt": "red cube"})
    assert point.status == "OK"
    x, y = point.value["red cube"]
    assert tuple(rgb[int(y), int(x)] > 120) == (True, False, False)
    assert kept(bench)[-1] == ("scene", True)
    assert eyes.asked[-1][0] == "/v1/chat/completions"
    under = NAMES["segment_point_prompt"].invoke(bench, {"rgb": rgb, "point_coords": (x, y)})
    assert under.status == "OK" and under.value[0]["mask"][int(y), int(x)]
    nothing = NAMES["point_prompt"].invoke(bench, {"image": rgb, "text_prompt": "blue ball"})
    assert nothing.status == "NOT_FOUND" and nothing.value == {"blue ball": (None, None)}


@pytest.mark.parametrize(
    ("wrong", "status"), [("busy", "FAULT"), ("garbage", "INVALID"), ("small", "INVALID")]
)
def test_a_server_that_fails_is_never_nothing_found(
    scene: Any, eyes: EyesServer, wrong: str, status: str
) -> None:
    eyes.wrong = wrong
    bench = bench_of(scene, PerceptionSection(stack="server", segment_url=eyes.url))
    rgb = bench.look("scene").rgb
    masked = NAMES["segment_text_prompt"].invoke(bench, {"rgb": rgb, "text_prompt": "red cube"})
    # The upstream name gave an empty list here; the trace says what it was.
    assert (masked.status, masked.value, masked.raises) == (status, [], False)
    pose = NAMES["get_object_pose"].invoke(bench, {"object_name": "red cube"})
    assert (pose.status, pose.raises) == (status, True)
    assert "\n" not in pose.summary


def test_a_server_that_is_not_there_or_not_named_is_a_fault(scene: Any) -> None:
    for section in (
        PerceptionSection(stack="server", segment_url="http://127.0.0.1:9"),
        PerceptionSection(stack="server"),
        PerceptionSection(stack="vlm"),
    ):
        found = NAMES["get_object_pose"].invoke(
            bench_of(scene, section), {"object_name": "red cube"}
        )
        assert found.status == "FAULT", found.summary


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ("[]", "NOT_FOUND"),
        ("I see nothing", "INVALID"),
        ('[{"box": [1, 2, 3]}]', "INVALID"),
        ('[{"box": [0, 0, 1000, 1000], "score": 0.9}]', "NOT_FOUND"),
        ('[{"box": [10, 10, 11, 11], "score": 0.9}]', "NOT_FOUND"),
        ('[{"box": [-9e99, 1e99, 5, 7], "score": 0.9}]', "NOT_FOUND"),
    ],
)
def test_what_a_model_answers_is_read_strictly(scene: Any, answer: str, status: str) -> None:
    bench = bench_of(scene, PerceptionSection(stack="vlm"), Scripted(answer))
    found = NAMES["get_object_pose"].invoke(bench, {"object_name": "a mug"})
    assert found.status == status, found.summary


@pytest.mark.parametrize(
    ("words", "points"),
    [
        ('<points coords="1 1 500 250 2 750 1000">mug</points>', [(0.5, 0.25), (0.75, 1.0)]),
        ('<point x="50.0" y="25.5" alt="mug">mug</point>', [(0.5, 0.255)]),
        ('<points x1="10" y1="20" x2="30" y2="40">mugs</points>', [(0.1, 0.2), (0.3, 0.4)]),
        ('<point x="150" y="20">', []),
        ('<point x="1.2.3" y="20">', []),
        ('<points coords="1 1.2.3 250">', []),
        ("There are none.", []),
    ],
)
def test_pointing_models_words(words: str, points: list[tuple[float, float]]) -> None:
    assert points_in(words) == pytest.approx(points)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="0123456789. -e", max_size=30), st.text(alphabet="0123456789.", max_size=9))
def test_whatever_a_pointing_model_says_points_lie_in_the_picture(many: str, one: str) -> None:
    for words in (f'<points coords="{many}">', f'<point x="{one}" y="{one}">', many + one):
        assert all(0 <= x <= 1 and 0 <= y <= 1 for x, y in points_in(words))


def test_a_program_asks_the_model_about_pictures(scene: Any) -> None:
    model = Scripted("A red cube.", "two")
    bench = bench_of(scene, PerceptionSection(), model)
    ask = NAMES["vlm_query"]
    told = ask.invoke(bench, {"text": "What is there?"})
    assert (told.status, told.value) == ("OK", "A red cube.")
    assert len(told.evidence.keyframes) == 1
    ask.invoke(bench, {"text": "How many?", "media": ["camera:top", "camera:wrist"]})
    assert model.asked == [("What is there?", 1, 0.2), ("How many?", 2, 0.2)]
    for wrong in (
        {"media": ["/etc/passwd"]},
        {"media": ["camera:cellar"]},
        {"model": "gpt-9"},
        {"reasoning_effort": "extreme"},
    ):
        assert ask.invoke(bench, {"text": "What?", **wrong}).status == "INVALID"
    assert len(model.asked) == 2


def test_without_a_model_a_question_is_a_fault_that_says_how_to_get_one(scene: Any) -> None:
    told = NAMES["vlm_query"].invoke(bench_of(scene, PerceptionSection()), {"text": "What?"})
    assert told.status == "FAULT" and told.raises and "--perception-model" in told.summary


def test_a_stack_by_another_name_is_refused() -> None:
    with pytest.raises(ServiceFailed):
        Stacks().named("server")
