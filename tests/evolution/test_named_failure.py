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
        "open_gripper()",  # 5
        "goto_pose(b)",  # 6
        "close_gripper()",  # 7
        "goto_pose(c)",  # 8
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


def trace(*steps: tuple[int, str, str], passed: bool = False) -> Trace:
    return Trace(passed, tuple(Step(line, name, status) for line, name, status in steps))  # type: ignore[arg-type]


def plain(**bad: str) -> Trace:
    """The parent's calls, OK but for those named by line."""
    names = ("open_gripper", "goto_pose", "close_gripper", "goto_pose")
    return trace(*((i + 1, names[i % 4], bad.get(f"at{i + 1}", "OK")) for i in range(8)))


def regrasped(*grasps: str, later: str = "OK") -> Trace:
    tried = [(4, "close_gripper", grasps[0])]
    for status in grasps[1:]:
        tried += [(6, "open_gripper", "OK"), (7, "close_gripper", status)]
    return trace(
        (1, "open_gripper", "OK"),
        (2, "goto_pose", "OK"),
        *tried,
        (9, "goto_pose", "OK"),
        (10, "open_gripper", "OK"),
        (11, "goto_pose", "OK"),
        (12, "close_gripper", later),
        (13, "goto_pose", "OK"),
    )


def after(child: str, line: int, then: Trace, parent: Trace) -> tuple[bool, bool]:
    before, now = past(PARENT, child, line, {1: parent}, {1: then})
    return before[1], now[1]


def test_a_first_fault_ended_counts_though_the_second_still_stands() -> None:
    empty = plain(at3="EMPTY_GRASP", at7="EMPTY_GRASP")
    then = regrasped("EMPTY_GRASP", "OK", later="EMPTY_GRASP")
    assert after(REGRASPS, 3, then, empty) == (False, True)
    before, now = past(PARENT, REGRASPS, 3, {1: empty}, {1: then})
    assert improved({1: empty}, before, now) == {1}


def test_a_failure_that_is_not_made_good_is_not_ended() -> None:
    empty = plain(at3="EMPTY_GRASP")
    assert after(REGRASPS, 3, regrasped("EMPTY_GRASP", "EMPTY_GRASP"), empty) == (False, False)


def test_a_failure_moved_to_the_next_call_before_the_hand_opens_is_not_ended() -> None:
    blocked = plain(at2="BLOCKED")
    moved = trace(
        (1, "open_gripper", "OK"),
        (3, "look", "OK"),
        (4, "goto_pose", "OK"),
        (6, "close_gripper", "EMPTY_GRASP"),
        (8, "open_gripper", "OK"),
    )
    assert after(LOOKS, 2, moved, blocked) == (False, False)


def test_who_never_gets_to_the_place_did_not_get_past_it() -> None:
    raised = trace((1, "open_gripper", "OK"), (2, "goto_pose", "OK"))
    assert after(REGRASPS, 7, raised, plain(at7="EMPTY_GRASP")) == (False, False)
    earlier = plain(at2="BLOCKED")  # and then the second place went well by itself
    where, _ = places(PARENT, REGRASPS, 7)
    assert not got_past(earlier, where)


def test_an_opening_within_the_repair_is_no_new_beginning() -> None:
    then = trace(
        (1, "open_gripper", "OK"),
        (2, "goto_pose", "OK"),
        (4, "close_gripper", "EMPTY_GRASP"),
        (6, "open_gripper", "OK"),
        (7, "close_gripper", "OK"),
        (9, "goto_pose", "SLIPPED"),
        (10, "open_gripper", "OK"),
    )
    assert after(REGRASPS, 3, then, plain(at3="EMPTY_GRASP")) == (False, False)


def test_a_repair_without_comments_is_what_the_parent_does_not_have() -> None:
    bare = "\n".join(line for line in REGRASPS.splitlines() if not line.startswith("#"))
    then = trace(
        (1, "open_gripper", "OK"),
        (2, "goto_pose", "OK"),
        (3, "close_gripper", "EMPTY_GRASP"),
        (5, "open_gripper", "OK"),
        (6, "close_gripper", "OK"),
        (7, "goto_pose", "OK"),
        (8, "open_gripper", "OK"),
        (9, "goto_pose", "BLOCKED"),
    )
    assert after(bare, 3, then, plain(at3="EMPTY_GRASP")) == (False, True)


def test_a_place_that_was_cut_out_is_not_got_past() -> None:
    without = PARENT.replace("close_gripper()\n", "", 1)
    ran = trace((1, "open_gripper", "OK"), (2, "goto_pose", "OK"), (3, "goto_pose", "OK"))
    assert after(without, 3, ran, plain(at3="EMPTY_GRASP")) == (False, False)


@given(
    st.lists(st.sampled_from(["OK", "BLOCKED", "EMPTY_GRASP", "SLIPPED"]), min_size=8, max_size=8),
    st.integers(1, 8),
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
