"""What operators of such arms complain of: the word for each, and the test that makes it happen.

Every row of the table was reported in public by somebody with a real arm. A row without a code is
prevented or answered by behaviour; its tests say how.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from drivers.findings import FINDINGS

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FOUND = "feetech/test_findings.py"
ARM = "feetech/test_arm.py"

EACH = f"{FOUND}::test_each_trouble_is_found_and_explained"
MANY = f"{FOUND}::test_many_troubles_at_once_are_each_found_at_their_servo"
LOOK = "cameras/test_look.py::test_every_trouble_of_a_camera_has_a_fault_that_makes_it_and_a_name"

PAINS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "missing motor ids": (
        ("ids_missing", "no_servo", "ids_never_set"),
        (EACH, f"{FOUND}::test_all_servos_with_the_factory_id_were_never_set"),
    ),
    "duplicate id, all id 1": (
        ("id_duplicate", "id_stray"),
        (
            f"{FOUND}::test_six_servos_with_one_id_break_each_others_packets",
            f"{FOUND}::test_a_servo_under_a_strange_id_is_named",
        ),
    ),
    "wrong voltage, brown-out": (
        ("voltage_out", "voltage_sags"),
        (
            EACH,
            f"{ARM}::test_a_servo_that_restarted_gets_no_goal_until_it_is_enabled_again",
            "feetech/test_host_on_bus.py::"
            "test_a_brown_out_in_motion_stops_the_arm_and_switches_nothing_on_again",
        ),
    ),
    "mixed or old firmware": (("firmware_mixed",), (MANY,)),
    "gripper overload, then the servo is gone": (
        ("overload_latched", "servo_alarm"),
        (
            MANY,
            f"{ARM}::test_a_softened_gripper_stops_squeezing_until_another_opening_is_asked_for",
            f"{ARM}::test_pushing_without_moving_is_a_stall_after_a_while",
        ),
    ),
    "one bad packet aborts a session": (
        ("bus_errors",),
        (
            EACH,
            f"{ARM}::test_an_answer_that_was_lost_is_asked_for_again_within_the_cycle",
            "test_core.py::test_one_bad_cycle_changes_nothing",
        ),
    ),
    "slow loop": (
        ("bus_slow", "latency_timer", "return_delay"),
        (
            EACH,
            MANY,
            "feetech/test_host_on_bus.py::"
            "test_a_latency_timer_of_16_ms_is_a_slower_arm_with_a_warning",
            "feetech/test_ports.py::"
            "test_a_latency_timer_as_delivered_is_found_and_the_remedy_mends_it",
        ),
    ),
    "calibration mismatch after power, another computer, an upgrade": (
        ("eeprom_differs", "calibration_missing", "calibration_bad", "calibration_none"),
        (
            f"{FOUND}::test_what_differs_from_the_calibration_file_is_shown_value_by_value",
            f"{FOUND}::test_a_calibration_file_that_is_not_there_or_is_broken_is_named",
        ),
    ),
    "magnitude exceeds 2047": (
        ("calibration_bad", "phase_multi_turn"),
        (f"{FOUND}::test_a_calibration_file_that_is_not_there_or_is_broken_is_named", MANY),
    ),
    "wrap at 0 to 4095": (
        ("position_impossible", "pose_turned"),
        (MANY, f"{ARM}::test_a_count_that_passed_its_end_is_an_alarm_and_not_a_movement"),
    ),
    "a joint moves the wrong way": (
        ("joint_reversed",),
        (MANY, "feetech/test_calibration.py::"
               "test_a_joint_that_turns_the_other_way_gets_its_sign_and_zero"),
    ),
    "jump at start or resume": (
        ("goal_stale",),
        (
            MANY,
            f"{ARM}::test_a_stale_goal_is_overwritten_at_low_torque_before_torque_comes_on",
            "test_manual.py::test_the_first_set_point_is_no_jump",
            "test_core.py::test_resume_is_refused_when_the_arm_is_too_far_away",
        ),
    ),
    "the arm falls at exit": (
        ("torque_on", "torque_mixed"),
        (
            EACH,
            MANY,
            "test_host.py::test_sigterm_holds_then_exits",
            "test_core.py::test_torque_is_released_only_by_the_same_person_in_two_steps",
            "test_manual.py::test_stowing_is_slow_and_ends_where_torque_may_go",
        ),
    ),
    "droop when re-seeded from the measured pose": (
        (),
        (
            f"{ARM}::test_an_energised_arm_is_adopted_at_its_own_goal_not_where_it_sags",
            f"{ARM}::test_joints_that_hold_already_keep_their_goal_when_the_rest_is_switched_on",
        ),
    ),
    "port renamed, leader and follower swapped": (
        ("port_missing", "arm_swapped", "port_by_number"),
        (
            EACH,
            f"{FOUND}::test_an_arm_with_another_arms_calibration_is_named_by_its_file",
            f"{FOUND}::test_a_port_by_its_number_is_told_its_lasting_name",
        ),
    ),
    "no permission, brltty takes the adapter": (
        ("port_permission", "port_stolen"),
        ("feetech/test_ports.py::test_an_ordinary_user_is_told_which_group_to_join",
         "feetech/test_ports.py::"
         "test_who_looks_for_an_arm_whose_adapter_brltty_took_is_told_of_brltty",
         "../test_doctor.py::test_serial_ports_speak_with_the_words_of_the_drivers"),
    ),
    "two programs on one port": (
        ("port_busy",),
        (
            f"{FOUND}::test_a_busy_port_names_who_has_it",
            "feetech/test_check_verb.py::test_a_port_that_is_held_is_no_traceback_but_its_holder",
            "feetech/test_ports.py::"
            "test_a_second_program_that_takes_the_answers_of_a_running_arm_is_named",
        ),
    ),
    "overheating": (
        ("temperature_high",),
        (MANY, f"{ARM}::test_a_warm_servo_says_how_long_it_has"),
    ),
    "camera frozen or stale": (
        ("camera_frozen", "camera_stale", "camera_black", "camera_missing"),
        (LOOK, "cameras/test_cameras.py::test_one_picture_for_ever_is_frozen"),
    ),
    "an arm's own server or motors fall silent": (
        ("server_blind", "device_lost"),
        (
            "zmq/test_served_arms.py::test_whatever_a_server_does_reading_says_so_and_is_well_again",
            "zmq/test_served_arms.py::test_a_cell_of_such_an_arm_moves_holds_and_is_lost_and_found",
            "feetech/test_check_verb.py::"
            "test_an_arm_that_goes_away_while_it_is_looked_at_is_a_finding",
        ),
    ),
    "robot ports that anybody may use": (
        ("bind_open",),
        (
            "test_host.py::test_a_network_address_without_keys_is_refused",
            "zmq/test_served_arms.py::"
            "test_an_arm_that_obeys_everybody_is_spoken_to_on_loopback_only",
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("pain", PAINS)
def test_each_pain_has_words_to_act_on_and_tests_that_make_it_happen(pain: str) -> None:
    codes, tests = PAINS[pain]
    for code in codes:
        known = FINDINGS[code]
        assert known.severity == "info" or (known.why and known.do), code
    told = ""
    for test in tests:
        file, _, name = test.partition("::")
        text = (HERE / file).resolve().read_text()
        assert re.search(rf"^(async )?def {name}\(", text, re.M), f"no {test}"
        told += text
    if not tests:
        pytest.fail("nobody makes it happen")
    for code in codes:
        assert f'"{code}"' in told, f"{code} is not expected by its tests"


def test_every_finding_is_expected_by_some_test() -> None:
    told = "".join(p.read_text() for p in ROOT.glob("tests/**/*.py") if p.name != "test_pains.py")
    silent = [code for code in FINDINGS if f'"{code}"' not in told]
    assert silent == [], "a finding nobody has seen"
