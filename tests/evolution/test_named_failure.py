"""Whether the failure that a repair names is gone: read from traces, never granted for free."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aspire_tui.evolution.named_failure import Step, Trace, got_past, improved, past, places

PARENT = "\n".join(
    [
        "open_gripper()",  # 1
        "goto_pose(a)",  # 2
        "close_gripper()",  # 3
        "goto_pose(up)",  # 4
        "goto_pose(aside)",  # 5
        "open_gripper()",  # 6
        "goto_pose(b)",  # 7
        "close_gripper()",  # 8
        "goto_pose(c)",  # 9
    ]
)
REGRASPS = PARENT.replace(
    "close_gripper()\ngoto_pose(up)",
    "# skill regrasp (tries=2): begin\n"  # 3
    "answer = close_gripper()\n"  # 4
    "if not answer:\n"  # 5
    "    open_gripper()\n"  # 6
    "    answer = close_gripper()\n"  # 7
    "# skill regrasp: end\n"  # 8
    "goto_pose(up)",  # 9
)
LOOKS = PARENT.replace(
    "goto_pose(a)",
    "# skill look (h=1): begin\nlook(a)\ngoto_pose(a)\n# skill look: end",  # 2 3 4 5
    1,
)
KINDS = {"open_gripper": "hand", "close_gripper": "hand", "goto_pose": "move", "look": "other"}


def trace(*steps: tuple[int, str, str], passed: bool = False) -> Trace:
    return Trace(passed, tuple(Step(line, KINDS[name], status) for line, name, status in steps))  # type: ignore[arg-type]


NAMES = ["open_gripper", "goto_pose", "close_gripper", "goto_pose", "goto_pose"]
NAMES += ["open_gripper", "goto_pose", "close_gripper", "goto_pose"]


def plain(**bad: str) -> Trace:
    """The parent's calls, OK but for those named by line."""
    return trace(*((i, name, bad.get(f"at{i}", "OK")) for i, name in enumerate(NAMES, 1)))


def regrasped(*grasps: str, lift: str = "OK", later: str = "OK") -> Trace:
    tried = [(4, "close_gripper", grasps[0])]
    for status in grasps[1:]:
        tried += [(6, "open_gripper", "OK"), (7, "close_gripper", status)]
    return trace(
        (1, "open_gripper", "OK"),
        (2, "goto_pose", "OK"),
        *tried,
        (9, "goto_pose", lift),
        (10, "goto_pose", later),
        (11, "open_gripper", "OK"),
        (12, "goto_pose", "OK"),
        (13, "close_gripper", later),
        (14, "goto_pose", "OK"),
    )


def after(child: str, line: int, then: Trace, parent: Trace) -> tuple[bool, bool]:
    before, now = past(PARENT, child, line, {1: parent}, {1: then})
    return before[1], now[1]


def test_a_first_fault_ended_counts_though_the_second_still_stands() -> None:
    empty = plain(at3="EMPTY_GRASP", at5="NOT_CONVERGED", at8="EMPTY_GRASP")
    then = regrasped("EMPTY_GRASP", "OK", later="NOT_CONVERGED")
    assert after(REGRASPS, 3, then, empty) == (False, True)
    before, now = past(PARENT, REGRASPS, 3, {1: empty}, {1: then})
    assert improved({1: empty}, before, now) == {1}


def test_a_failure_that_is_not_made_good_is_not_ended() -> None:
    empty = plain(at3="EMPTY_GRASP")
    assert after(REGRASPS, 3, regrasped("EMPTY_GRASP", "EMPTY_GRASP"), empty) == (False, False)
    lost = regrasped("EMPTY_GRASP", "OK", lift="SLIPPED")  # it closed, and nothing came along
    assert after(REGRASPS, 3, lost, empty) == (False, False)


def test_a_failure_moved_from_the_approach_to_the_grasp_is_not_ended() -> None:
    blocked = plain(at2="BLOCKED")
    ran = [(1, "open_gripper", "OK"), (3, "look", "OK"), (4, "goto_pose", "OK")]
    empty = trace(*ran, (6, "close_gripper", "EMPTY_GRASP"), (7, "goto_pose", "OK"))
    assert after(LOOKS, 2, empty, blocked) == (False, False)
    held = [*ran, (6, "close_gripper", "OK")]
    lost = trace(*held, (7, "goto_pose", "SLIPPED"))
    assert after(LOOKS, 2, lost, blocked) == (False, False)
    came_along = trace(*held, (7, "goto_pose", "OK"), (8, "goto_pose", "NOT_CONVERGED"))
    assert after(LOOKS, 2, came_along, blocked) == (False, True)


def test_who_never_gets_to_the_place_did_not_get_past_it() -> None:
    raised = trace((1, "open_gripper", "OK"), (2, "goto_pose", "OK"))
    assert after(REGRASPS, 8, raised, plain(at8="EMPTY_GRASP")) == (False, False)
    earlier = plain(at2="BLOCKED")  # and then the second place went well by itself
    where, _ = places(PARENT, REGRASPS, 8)
    assert not got_past(earlier, where)


def test_what_the_hand_does_within_the_repair_is_no_proof_of_it() -> None:
    slips = PARENT.replace(
        "goto_pose(up)",
        "# skill slip (): begin\nanswer = goto_pose(up)\nclose_gripper()\n"
        "answer = goto_pose(up)\n# skill slip: end",
    )
    ran = [(1, "open_gripper", "OK"), (2, "goto_pose", "OK"), (3, "close_gripper", "OK")]
    ran += [(5, "goto_pose", "SLIPPED"), (6, "close_gripper", "OK"), (7, "goto_pose", "OK")]
    again = trace(*ran, (9, "goto_pose", "SLIPPED"), (10, "open_gripper", "OK"))
    assert after(slips, 4, again, plain(at4="SLIPPED")) == (False, False)


def test_a_repair_without_comments_is_what_the_parent_does_not_have() -> None:
    bare = "\n".join(line for line in REGRASPS.splitlines() if not line.startswith("#"))
    then = trace(
        (1, "open_gripper", "OK"),
        (2, "goto_pose", "OK"),
        (3, "close_gripper", "EMPTY_GRASP"),
        (5, "open_gripper", "OK"),
        (6, "close_gripper", "OK"),
        (7, "goto_pose", "OK"),
        (8, "goto_pose", "BLOCKED"),
    )
    assert after(bare, 3, then, plain(at3="EMPTY_GRASP")) == (False, True)


def test_a_place_that_was_cut_out_is_not_got_past() -> None:
    without = PARENT.replace("close_gripper()\n", "", 1)
    ran = trace((1, "open_gripper", "OK"), (2, "goto_pose", "OK"), (3, "goto_pose", "OK"))
    assert after(without, 3, ran, plain(at3="EMPTY_GRASP")) == (False, False)


@given(
    st.lists(st.sampled_from(["OK", "BLOCKED", "EMPTY_GRASP", "SLIPPED"]), min_size=9, max_size=9),
    st.integers(1, 9),
)
def test_an_unchanged_program_gets_exactly_as_far(statuses: list[str], line: int) -> None:
    ran = plain(**{f"at{i + 1}": s for i, s in enumerate(statuses)})
    for child in (PARENT, PARENT + "\n# a remark"):
        before, now = past(PARENT, child, line, {1: ran}, {1: ran})
        assert before == now
        assert improved({1: ran}, before, now) == frozenset()
    if all(s == "OK" for s in statuses):
        assert before[1]
    if statuses[line - 1] != "OK":
        assert not before[1]
