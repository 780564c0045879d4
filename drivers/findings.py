"""Every thing a check can find on a cell: one table of code, severity, words and what to do.

Texts may hold ``{words}`` that the finder fills in. Drivers, the doctor and ``cell check`` speak
from here, so one trouble has one name everywhere.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from drivers.types import Finding, Severity


class Known(NamedTuple):
    """What is always true of one kind of finding."""

    severity: Severity
    what: str
    expected: str
    why: str
    do: tuple[str, ...]


UNPLUG = "support the arm before you cut its power: it has no brakes"

FINDINGS: Final[dict[str, Known]] = {
    # -- the port --------------------------------------------------------------------------
    "port_missing": Known(
        "error",
        "serial port {port}",
        "a device with this name",
        "the adapter is unplugged, or the port was renamed after a restart or another plug",
        (
            "plug the adapter in; ports there are now: {others}",
            "name the port by its /dev/serial/by-id path in the cell file: that one stays",
        ),
    ),
    "port_permission": Known(
        "error",
        "serial port {port}",
        "read and write for this user",
        "this user may not open the device",
        ("sudo usermod -aG {group} $USER, then log out and in again",),
    ),
    "port_busy": Known(
        "error",
        "serial port {port}",
        "nobody else on this port",
        "two programs on one bus destroy each other's packets",
        ("end {holder} first",),
    ),
    "port_not_serial": Known(
        "error",
        "serial port {port}",
        "a serial device that takes {baud} baud",
        "it cannot be set up as a serial line",
        ("look at the port's name in the cell file",),
    ),
    "port_stolen": Known(
        "warn",
        "CH340 adapter",
        "a /dev/ttyUSB or /dev/ttyACM device for it",
        "the adapter is on USB, but no serial port belongs to it; brltty is known to take it away",
        ("sudo apt remove brltty, then plug the adapter in again",),
    ),
    "port_by_number": Known(
        "info",
        "serial port {port}",
        "a name that stays, such as {by_id}",
        "numbers are given in the order of plugging: after a restart this may be another arm",
        ('port = "{by_id}" in the cell file',),
    ),
    "port_echo": Known(
        "info",
        "serial port {port}",
        "either; told apart by itself",
        "the adapter sends back what is written; that is taken out before answers are read",
        (),
    ),
    "latency_timer": Known(
        "warn",
        "USB latency timer of {port}",
        "1 ms",
        "the adapter keeps answers back for this long: the cycle falls to 50 Hz",
        (
            "echo 1 | sudo tee {file}",
            'for good, a udev rule: ACTION=="add", SUBSYSTEM=="usb-serial", '
            'ATTR{{latency_timer}}="1"',
        ),
    ),
    "bus_slow": Known(
        "warn",
        "bus of arm {arm}",
        "at most {limit_ms:.0f} ms for one reading of all servos",
        "{cause}",
        ("{remedy}",),
    ),
    "bus_errors": Known(
        "warn",
        "servo {servo} ({joint})",
        "no lost or broken packets",
        "a worn cable or plug, a servo that is giving up, or a second servo with the same id",
        ("swap the cable before this servo, then look again", "aspire-tui cell check {cell}"),
    ),
    "device_lost": Known(
        "error",
        "devices of cell {cell}",
        "answers from all of them",
        "power, a cable or the adapter went away, or the device was never there",
        ("aspire-tui cell shutdown {cell}, then aspire-tui cell check {cell}: it looks afresh",),
    ),
    # -- who is on the bus -----------------------------------------------------------------
    "no_servo": Known(
        "error",
        "servos of arm {arm}",
        "answers from ids {ids} at {baud} baud",
        "no motor power, the bus cable is not in the adapter, or this is another port",
        ("switch the motor supply on and look at the plug at the adapter", UNPLUG),
    ),
    "wrong_baud": Known(
        "error",
        "servos of arm {arm}",
        "answers at {baud} baud",
        "they are set to another speed",
        ("baud = {seen_baud} in [device.feetech], or set the servos to {baud}",),
    ),
    "ids_missing": Known(
        "error",
        "servos of arm {arm}",
        "answers from ids {ids}",
        "{cause}",
        ("{remedy}", UNPLUG),
    ),
    "ids_never_set": Known(
        "error",
        "servos of arm {arm}",
        "answers from ids {ids}",
        "servos come with id 1: theirs were never set",
        ("connect them one at a time and give each its id",),
    ),
    "id_stray": Known(
        "warn",
        "bus of arm {arm}",
        "only ids {ids}",
        "a servo is on the bus that the cell file does not know",
        ("set its id, or name it in [device.feetech] servos",),
    ),
    "id_duplicate": Known(
        "error",
        "servo {servo} ({joint})",
        "one servo with this id",
        "two servos answer at the same time and break each other's packets",
        ("unplug all but one servo and set the ids one by one",),
    ),
    "model_wrong": Known(
        "error",
        "servo {servo} ({joint})",
        "model {model}",
        "another kind of servo has another strength, and perhaps other registers",
        ("put the right servo in, or say model = {seen_model} in [device.feetech]",),
    ),
    "firmware_mixed": Known(
        "warn",
        "servos of arm {arm}",
        "one firmware on all of them",
        "other tools refuse mixed versions, and defects differ between them",
        ("update with Feetech's FD tool (Windows), with the arm at rest, never between runs",),
    ),
    # -- power and heat --------------------------------------------------------------------
    "voltage_out": Known(
        "error",
        "supply of servo {servo} ({joint})",
        "{lo:.1f} to {hi:.1f} V",
        "a 7.4 V servo on 12 V burns; a weak supply lets the arm sag and servos restart",
        ("{remedy}", UNPLUG),
    ),
    "voltage_sags": Known(
        "warn",
        "supply of arm {arm}",
        "within {tolerance:.1f} V between the servos",
        "the last servos of the chain get less: thin or long cables, or a bad plug",
        ("look at the plug before the servo with the lowest voltage",),
    ),
    "temperature_high": Known(
        "warn",
        "servo {servo} ({joint})",
        "below {limit} °C",
        "it switches itself off at {cut_off} °C and the arm falls",
        ("stow the arm and let it cool: a pose that rests needs no torque",),
    ),
    "overload_latched": Known(
        "error",
        "servo {servo} ({joint})",
        "no alarm",
        "it pushed against something for too long and lowered its own torque",
        (
            "free what is in the way, then move it the other way",
            "if it stays: cut the power and switch it on again. " + UNPLUG,
        ),
    ),
    "servo_alarm": Known(
        "error",
        "servo {servo} ({joint})",
        "no alarm",
        "its status register says so",
        ("mend the cause; a power cycle clears the rest. " + UNPLUG,),
    ),
    # -- what is written in the servos -----------------------------------------------------
    "calibration_missing": Known(
        "error",
        "calibration of arm {arm}",
        "LeRobot's calibration file",
        "without it an angle is a guess; LeRobot 0.4.4 renamed the folder to so_follower",
        ("aspire-tui cell calibrate {cell}, or copy the file to {file}",),
    ),
    "calibration_none": Known(
        "warn",
        "calibration of arm {arm}",
        "calibration = FILE in [device.feetech]",
        "angles are taken from the middle of the servos' turn, right only if they were put on so",
        ("aspire-tui cell calibrate {cell}",),
    ),
    "calibration_bad": Known(
        "error",
        "calibration of arm {arm}",
        "LeRobot's calibration JSON",
        "{cause}",
        ("aspire-tui cell calibrate {cell}",),
    ),
    "calibration_no_zero": Known(
        "warn",
        "calibration of arm {arm}",
        "{file} with zero_offset_rad and sign of each joint",
        "LeRobot's 0° is the middle of what was swept by hand, not the zero of the arm's model",
        ("aspire-tui cell calibrate {cell}",),
    ),
    "eeprom_differs": Known(
        "error",
        "servo {servo} ({joint})",
        "what the calibration file says: {file_says}",
        "the servo was calibrated on another computer or exchanged; angles would be wrong",
        (
            "if the file is right: aspire-tui cell calibrate {cell} --write-file",
            "if the servos are right: aspire-tui cell calibrate {cell} --keep-servos",
        ),
    ),
    "arm_swapped": Known(
        "error",
        "arm {arm}",
        "its own calibration in its servos",
        "this is the arm that {file} belongs to: two arms have changed places at their ports",
        ("exchange the two ports in the cell file, or the two plugs",),
    ),
    "arrival_measured": Known(
        "info",
        "arrival of arm {arm}",
        "measured within half a year",
        "wear and loose horns change how well an arm arrives; the cell uses what was measured",
        ("aspire-tui cell calibrate {cell} --measure",),
    ),
    "joint_reversed": Known(
        "error",
        "servo {servo} ({joint})",
        "phase (register 18) without bit 7",
        "with it the servo counts the other way: the joint would move the wrong way",
        (
            "aspire-tui cell calibrate {cell} --signs: turn each joint by hand and see",
            "if another tool set it, set register 18 back, with torque off",
        ),
    ),
    "lock_open": Known(
        "warn",
        "servo {servo} ({joint})",
        "EEPROM locked (register 55 = 1)",
        "another program left it open: a stray packet could change its calibration for good",
        ("aspire-tui cell calibrate {cell} --lock",),
    ),
    "phase_multi_turn": Known(
        "error",
        "servo {servo} ({joint})",
        "phase (register 18) without bit 4",
        "with it positions run on beyond one turn, and the offset does not fit any more",
        ("aspire-tui cell calibrate {cell}: it clears the bit, with torque off",),
    ),
    "position_impossible": Known(
        "error",
        "servo {servo} ({joint})",
        "0 to 4095 ticks",
        "it counted over its end, or was not in the middle when it was homed",
        ("move the joint to its middle by hand", "aspire-tui cell calibrate {cell} for this joint"),
    ),
    "mode_wrong": Known(
        "error",
        "servo {servo} ({joint})",
        "position mode (register 33 = 0)",
        "in another mode a goal is a speed or a number of steps: the joint would turn on and on",
        ("aspire-tui cell calibrate {cell}: it sets the mode, with torque off",),
    ),
    "response_level": Known(
        "warn",
        "servo {servo} ({joint})",
        "it answers writes (register 8 = 1)",
        "writes to it cannot be confirmed",
        ("aspire-tui cell calibrate {cell}: it sets the level, with torque off",),
    ),
    "return_delay": Known(
        "warn",
        "servo {servo} ({joint})",
        "return delay 0 (register 7)",
        "it waits half a millisecond before each answer: 3 ms in a cycle of six",
        ("aspire-tui cell calibrate {cell}: it sets the delay, with torque off",),
    ),
    "range_narrow": Known(
        "warn",
        "servo {servo} ({joint})",
        "limits that hold the whole range of the cell file",
        "the servo stops before the joint's limit; goals beyond it are not taken",
        ("make the joint's range smaller in the cell file, or calibrate it again",),
    ),
    # -- where the arm is ------------------------------------------------------------------
    "pose_outside": Known(
        "error",
        "joint {joint}",
        "{lo:.2f} to {hi:.2f} rad",
        "the arm stands beyond its limits, or its calibration is wrong",
        ("move it inside by hand with the torque off", "if it looks right: calibrate again"),
    ),
    "pose_turned": Known(
        "error",
        "joint {joint}",
        "{lo:.2f} to {hi:.2f} rad",
        "it is off by about one whole turn: it passed the end of its count",
        ("turn the joint back by hand with the torque off, or home it again",),
    ),
    "torque_on": Known(
        "info",
        "drives of arm {arm}",
        "either",
        "the arm was found energised; it is adopted as it stands and nothing is written",
        (),
    ),
    "torque_mixed": Known(
        "warn",
        "drives of arm {arm}",
        "all on or all off",
        "some joints hold and some hang: a servo restarted, or another program ended halfway",
        ("support the arm, then enable it: joints that are off are switched on where they are",),
    ),
    "goal_stale": Known(
        "info",
        "servo {servo} ({joint})",
        "a goal that is where the joint is",
        "another program left it; enabling overwrites it first, so nothing jumps",
        (),
    ),
    # -- cameras, other machines -----------------------------------------------------------
    "camera_stale": Known(
        "error",
        "camera {camera}",
        "a picture of now",
        "it sends nothing any more: a plug, a hub without power, or bandwidth",
        ("look at its plug; give it a USB port of its own, or MJPG",),
    ),
    "camera_missing": Known(
        "error",
        "camera {camera}",
        "a camera behind it",
        "it is not where the cell file says, or another program holds it",
        (
            "look at its plug; `aspire-tui cell setup {cell} --step cameras` names it again",
            "name it by its /dev/v4l/by-id path: numbers change with every plug",
        ),
    ),
    "camera_black": Known(
        "error",
        "camera {camera}",
        "a picture that is not black",
        "the lens is covered, the room is dark, or the exposure was locked too short",
        (
            "take the cap off and switch the light on",
            "aspire-tui cell setup {cell} --step cameras: it locks the exposure anew",
        ),
    ),
    "camera_frozen": Known(
        "error",
        "camera {camera}",
        "pictures that differ: a sensor's noise never repeats itself",
        "it sends one and the same picture again and again: two cameras on one USB 2 hub do this",
        ("give each camera a port of its own, or use MJPG", "plug it in again"),
    ),
    "bind_open": Known(
        "error",
        "address {address}",
        "loopback, or keys",
        "whoever reaches this port could move the arm",
        ("aspire-tui cell keys, then serve with --keys FOLDER", "or bind to 127.0.0.1"),
    ),
    # -- setting up ------------------------------------------------------------------------
    "camera_uncalibrated": Known(
        "warn",
        "camera {camera}",
        "a pose measured with the printed board",
        "where the cell file has it was never measured: grasps miss by as much as it is off",
        ("aspire-tui cell setup {cell} --step poses",),
    ),
    "camera_calibration_old": Known(
        "warn",
        "camera {camera}",
        "a pose measured in the last 30 days",
        "stands are bumped and screws settle: what was measured may no longer be so",
        ("aspire-tui cell setup {cell} --step poses", "aspire-tui cell setup {cell} --step hover"),
    ),
    "server_blind": Known(
        "info",
        "arm {arm} is behind a server of its own",
        "an arm that tells torque, temperature, voltage and errors",
        "its server tells joint angles only, and holds the arm whether or not we are here",
        (
            "keep a hand at the arm's power switch: HOLD stops set-points, torque stays on",
            "let nobody else speak to {seen}: that server obeys everybody",
        ),
    ),
    "hardware_unproven": Known(
        "warn",
        "hardware",
        "a report of `aspire-tui cell accept` on this arm",
        "the driver was proven against an emulator only",
        ("keep a hand at the power switch; see docs/hardware.md",),
    ),
}
"""Code to what is known of it. Codes are stable: scripts and tests look for them."""


def found(code: str, seen: str, severity: Severity | None = None, **words: object) -> Finding:
    """A finding of the table with what was seen, and its words filled in.

    Args:
        severity: Instead of the table's, when what was seen is worse or better than usual.

    Raises:
        KeyError: The code or a word of its text is not known: a defect of the caller.
    """
    known = FINDINGS[code]
    fill = {"seen": seen, **words}
    return Finding(
        code=code,
        severity=severity or known.severity,
        what=known.what.format_map(fill),
        seen=seen,
        expected=known.expected.format_map(fill),
        why=known.why.format_map(fill),
        do=tuple(line.format_map(fill) for line in known.do),
    )


def one_line(finding: Finding) -> str:
    """What, what was seen and what to do first: for error messages."""
    line = f"{finding.what}: {finding.seen} (expected {finding.expected})"
    return f"{line}; {finding.do[0]}" if finding.do else line
