"""The gate: what comes in, what does not, and that it says what is missing."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aspire_tui.evolution.admission import (
    BETTER_BY,
    LEAST_PAIRS,
    Case,
    CellCount,
    Paired,
    Recalled,
    rule,
    unsound_lines,
    use_on,
)
from aspire_tui.evolution.gate import primitives_here
from aspire_tui.evolution.statistics import paired
from aspire_tui.library.load import load_library, load_skill
from aspire_tui.library.scene_constants import in_sketch, scene_constants
from aspire_tui.library.skill import Between, Evidence, Proof, Rate, Skill

ROOT = Path(__file__).parents[2]
SHIPPED = load_skill(ROOT / "skills" / "regrasp-after-empty")
SKILL = msgspec.structs.replace(SHIPPED, evidence=Evidence(), metadata={})
NAMES = frozenset({*SKILL.uses, "goto_pose", "get_object_pose"})
replace = msgspec.structs.replace


def pairs(
    without: list[bool],
    with_it: list[bool],
    task: str = "cube_stack",
    **changes: object,
) -> Paired:
    p = Paired(
        task=task,
        cell="yam",
        kind="sim",
        seed_set="selection",
        without=dict(enumerate(without)),
        with_it=dict(enumerate(with_it)),
        digest=SKILL.digest,
    )
    return replace(p, **changes)


def fixing(k: int, n: int, task: str = "cube_stack", **changes: object) -> Paired:
    return pairs([False] * k + [True] * (n - k), [True] * n, task, **changes)


def case(*runs: Paired, skill: Skill = SKILL, **more: object) -> Case:
    return Case(skill=skill, primitives=NAMES, pairs=runs, **more)  # type: ignore[arg-type]


def test_proof_on_two_tasks_comes_in_without_a_word_missing() -> None:
    ruling = rule(case(fixing(8, 32), fixing(3, 12, "cube_lift")))
    assert (ruling.standing, ruling.missing) == ("admitted", ())
    assert "cube_stack on yam: 32/32 with [0.89–1.00], 24/32 without, fixed 8" in ruling.proofs[0]


def test_nothing_shown_names_everything_missing() -> None:
    ruling = rule(case())
    assert ruling.standing == "refused"
    assert ruling.missing == (
        "no paired runs on selection scenes: at least 20 with and without it",
    )


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        ((fixing(8, 19),), "19 paired scenes, at least 20"),
        ((fixing(3, 32),), "not proven: fixed 3, broken 0 of 32, p = 0.125"),
        ((pairs([True] * 32, [True] * 32),), "does not help: fixed 0, broken 0"),
        ((fixing(9, 32, seed_set="held_out"),), "held_out scenes never decide"),
        ((fixing(9, 32, seed_set="dev"),), "dev scenes never decide"),
        ((fixing(9, 32, digest="other"),), "measured with another text of this skill"),
        ((fixing(9, 32),), "helps cube_stack alone: run at least 10 selection scenes of a second"),
        ((fixing(9, 32), fixing(2, 9, "cube_lift")), "helps cube_stack alone"),
        (
            (fixing(9, 32), pairs([True] * 12, [False] * 2 + [True] * 10, "cube_lift")),
            "harms cube_lift on yam: fixed 0, broken 2 of 12",
        ),
        ((fixing(9, 32, kind="hardware"),), "no paired runs on selection scenes"),
    ],
)
def test_what_is_missing_is_one_line_each(runs: tuple[Paired, ...], said: str) -> None:
    ruling = rule(case(*runs))
    assert ruling.standing == "refused"
    assert any(said in line for line in ruling.missing), ruling.missing
    assert all("\n" not in line for line in ruling.missing)


def test_a_task_specific_skill_says_so_and_needs_no_second_task() -> None:
    marked = replace(SKILL, metadata={"task-specific": "cube_stack"})
    assert rule(case(fixing(8, 32), skill=marked)).standing == "admitted"
    other = replace(SKILL, metadata={"task-specific": "cube_lift"})
    assert "but proven on cube_stack" in rule(case(fixing(8, 32), skill=other)).missing[0]


def superseding(old: str) -> Skill:
    return replace(SKILL, definition=replace(SKILL.definition, supersedes=(old,)))


def test_replacing_another_takes_ten_points_and_an_exact_test() -> None:
    new, proven = superseding("old-way"), (fixing(9, 32), fixing(4, 12, "cube_lift"))
    asked = rule(case(*proven, skill=new)).missing
    assert asked == ("replaces old-way: run both on the same selection scenes",)
    nine = fixing(9, 100, against="old-way")
    assert rule(case(*proven, nine, skill=new)).missing == (
        "replaces old-way: +9 points on cube_stack, at least +10",
    )
    few = fixing(3, 20, against="old-way")
    assert "not proven, p = 0.125" in rule(case(*proven, few, skill=new)).missing[0]
    assert rule(case(*proven, fixing(10, 100, against="old-way"), skill=new)).standing == "admitted"


def test_evidence_that_says_more_than_the_recording_is_named() -> None:
    run, second = fixing(8, 32), fixing(3, 12, "cube_lift")
    proof = Proof(
        task="cube_stack",
        cell="yam",
        seed_set="selection",
        seeds=tuple(range(32)),
        rate_with=Rate(32, 32, 0.89, 1.0),
        rate_without=Rate(2, 32, 0.01, 0.2),
    )
    lying = replace(SKILL, evidence=Evidence((proof,)))
    (line,) = rule(case(run, second, skill=lying)).missing
    assert line.startswith("evidence.json claims 32 with and 2 without of 32 on cube_stack")


def claiming(task: str, held_out: Rate | None = None, n: int = 32) -> Skill:
    """The skill, with 8 of n fixed on a task in its evidence."""
    proof = Proof(
        task=task,
        seed_set="selection",
        seeds=tuple(range(n)),
        rate_with=Rate(n, n, 0.89, 1.0),
        rate_without=Rate(n - 8, n, 0.57, 0.87),
        cell="yam",
        held_out=held_out,
    )
    return replace(SKILL, evidence=Evidence((proof,)))


def test_a_claim_without_its_recording_keeps_a_proven_skill_out() -> None:
    runs = (fixing(8, 32), fixing(3, 12, "cube_lift"))
    assert rule(case(*runs, skill=claiming("cube_stack"))).standing == "admitted"
    (line,) = rule(case(*runs, skill=claiming("nut_assembly"))).missing
    assert "on nut_assembly, and no recording of those scenes is here" in line


def test_held_out_scenes_decide_nothing_and_cannot_be_made_up() -> None:
    second = fixing(3, 12, "cube_lift")
    for counted in (None, (0, 20), (20, 20)):
        runs = (fixing(8, 32, held_out=counted), second)
        assert rule(case(*runs)).standing == "admitted"
    made_up = claiming("cube_stack", held_out=Rate(20, 20, 0.83, 1.0))
    for counted, told in ((None, "0/0"), ((3, 20), "3/20")):
        (line,) = rule(case(fixing(8, 32, held_out=counted), second, skill=made_up)).missing
        assert line == (
            f"evidence.json claims 20/20 held-out on cube_stack; the recording counts {told}"
        )
    assert rule(case(fixing(8, 32, held_out=(20, 20)), second, skill=made_up)).missing == ()


@pytest.mark.parametrize(
    ("sketch", "said"),
    [
        ("teleport({object_name})\nanswer = {call}\n", "teleport is not a primitive here"),
        ("while True:\n    goto_pose({object_name})\nanswer = {call}\n", "no way out"),
        ("while True:\n    pass\nanswer = {call}\n", "never ends"),
        ("goto_pose(red_cube_position)\nanswer = {call}\n", "reads red_cube_position, which only"),
    ],
)
def test_a_sketch_against_the_policy_is_refused_whatever_it_proves(sketch: str, said: str) -> None:
    uses = ("teleport",) if "teleport" in sketch else ("goto_pose",)
    repair = replace(SKILL.definition.repair, parameters={}, splice="replace")
    bad = replace(
        SKILL, sketch=sketch, uses=uses, definition=replace(SKILL.definition, repair=repair)
    )
    ruling = rule(case(fixing(8, 32), fixing(3, 12, "cube_lift"), skill=bad))
    assert ruling.standing == "refused"
    assert any(said in line for line in ruling.missing), ruling.missing


def test_a_changed_world_promotes_nothing() -> None:
    ruling = rule(case(fixing(8, 32), fixing(3, 12, "cube_lift"), world_holds=False))
    assert ruling.missing == ("the last canary failed: the world has changed, nothing is promoted",)


def test_three_of_ten_on_a_bench_is_provisional_and_said_as_such() -> None:
    ruling = rule(case(recalled=(Recalled("cube_stack", "bench-2", 3, 10, 0, True),)))
    assert ruling.standing == "provisional"
    assert ruling.proofs == ("cube_stack on bench-2: fixed 3/10, provisional",)


@pytest.mark.parametrize(
    ("recalled", "said"),
    [
        (Recalled("t", "c", 2, 2, 0, True), "2 recalled failing scenes, at least 3"),
        (Recalled("t", "c", 3, 10, 1, True), "broke 1 scenes"),
        (Recalled("t", "c", 0, 10, 0, True), "fixed none of 10"),
        (Recalled("t", "c", 3, 10, 0, False), "its mechanism is not in the trace"),
    ],
)
def test_a_bench_repair_without_its_proof_is_refused(recalled: Recalled, said: str) -> None:
    ruling = rule(case(recalled=(recalled,)))
    assert ruling.standing == "refused" and any(said in line for line in ruling.missing)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.booleans(), st.booleans()), max_size=60),
    st.lists(st.tuples(st.booleans(), st.booleans()), max_size=30),
    st.booleans(),
)
def test_whatever_comes_in_was_proven(
    first: list[tuple[bool, bool]], second: list[tuple[bool, bool]], recalled: bool
) -> None:
    one = pairs([b for b, _ in first], [a for _, a in first])
    two = pairs([b for b, _ in second], [a for _, a in second], "cube_lift")
    bench = (Recalled("t", "bench", 1, 3, 0, True),) if recalled else ()
    ruling = rule(case(one, two, recalled=bench))
    tests = [paired(*p.outcomes()) for p in (one, two)]
    proven = [
        len(p.seeds()) >= LEAST_PAIRS and c.p_value <= 0.05 and c.fixed > c.broken
        for p, c in zip((one, two), tests, strict=True)
    ]
    if ruling.standing == "admitted":
        assert any(proven) and all(c.fixed > c.broken for c in tests)
    assert (ruling.standing == "refused") == bool(ruling.missing)
    if ruling.standing == "provisional":
        assert recalled


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 30), st.integers(0, 30), st.integers(20, 60))
def test_a_replacement_is_never_less_than_ten_points_better(k: int, lost: int, n: int) -> None:
    k, lost = min(k, n), min(lost, n - min(k, n))
    before = [False] * k + [True] * (n - k)
    after = [True] * k + [False] * lost + [True] * (n - k - lost)
    against = pairs(before, after, against="old-way")
    ruling = rule(
        case(fixing(9, 32), fixing(4, 12, "cube_lift"), against, skill=superseding("old-way"))
    )
    if ruling.standing == "admitted":
        assert (k - lost) / n >= BETTER_BY - 1e-9


# -- scene constants


@pytest.mark.parametrize(
    ("sketch", "why"),
    [
        ("goto_pose(np.array([0.31, -0.12, 0.2]), q)", "absolute position"),
        ("p = [0.31, -0.12]", "absolute position"),
        ("goto_pose({position}, [0.9, 0.1, 0.2, 0.3])", "absolute orientation"),
        ("home([0.1, 1.2, -0.4, 0.0, 0.3, 0.0])", "absolute joint configuration"),
        ("goto_pose({position} + np.array([0.21, 0.0, 0.0]), {quaternion})", "fixed direction"),
        ("z = 0.03127", "4 digits"),
        ("if n == 48213:\n    pass", "looks like a seed"),
        ("if {position}[0] > 0.31:\n    pass", "decides by where"),
        ("sample_grasp_pose('red cube')", "names one scene's object"),
        ("x = scene_3", "names a seed or scene"),
        ("p = np.array([0.1, 0.1, 0.1]) + np.array([0.2, 0.1, 0.0])", "absolute position"),
    ],
)
def test_what_belongs_to_one_scene_is_found_and_named_by_line(sketch: str, why: str) -> None:
    found = in_sketch("a = 1\n" + sketch + "\n")
    assert any(why in c.why for c in found), found
    assert all(c.line == 2 for c in found)


@pytest.mark.parametrize(
    "sketch",
    [
        "goto_pose({position} + np.array([0.0, 0.0, 0.12]), {quaternion}, z_approach=0.1)",
        "goto_pose({position} - np.array([0.0, 0.01, {lower_m}]), (0, 0, 1, 0))",
        "for attempt in range({tries}):\n    open_gripper()",
        "wait(0.5)",
        "if {position}[2] > 0.0:\n    pass",
        "q = [0.7071, 0.0, 0.7071, 0.0]",
        "sample_grasp_pose({object_name})",
    ],
)
def test_offsets_counts_and_unit_axes_are_no_scene(sketch: str) -> None:
    assert in_sketch(sketch + "\n") == ()


def test_the_definition_is_looked_at_too_and_what_ships_is_clean() -> None:
    signature = replace(SKILL.definition.signature, args={"position": Between(0.3, 0.4, 0)})
    found = scene_constants(
        replace(SKILL, definition=replace(SKILL.definition, signature=signature))
    )
    assert [c.why for c in found] == ["matches by absolute position"]
    for folder in (ROOT / "skills").iterdir():
        if (folder / "SKILL.md").is_file():
            assert scene_constants(load_skill(folder)) == ()


# -- on a cell


def test_a_new_cell_is_probation_with_its_own_counts() -> None:
    counts = {"b": CellCount("b", 4, 5), "c": CellCount("c", 9, 9, broken=1)}
    assert not use_on("a", {"a"}, counts).previewed
    new = use_on("new", {"a"}, counts)
    assert new.previewed and new.slow and "0/0 on new" in new.why
    assert not use_on("b", {"a"}, counts).slow
    assert use_on("c", {"a"}, counts).slow


def test_a_sketch_that_raises_helps_nobody_and_is_refused_by_its_runs() -> None:
    ruling = rule(case(pairs([True] * 18 + [False] * 14, [False] * 32)))
    assert ruling.standing == "refused"
    assert "does not help: fixed 0, broken 18 of 32" in ruling.missing[0]


def test_what_ships_is_sound() -> None:
    known = frozenset(primitives_here())
    for skill in load_library([ROOT / "skills"]).skills:
        assert unsound_lines(skill, known) == [], skill.name
        assert scene_constants(skill) == (), skill.name
