"""The emulated SO-101: a world turned by servos, and what only a simulation can do beside it."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from emulator import IDS, Running, Sdk
from hosts import until

from drivers.cameras.base import CameraTrouble
from drivers.cellfile import load_cell
from drivers.emu.cell import EmulatedCell
from drivers.emu.eyes import open_source
from drivers.emu.faults import inject
from drivers.emu.servo import TICK_RAD, Servo
from drivers.errors import CellFileError, CellRefused
from drivers.sim.control import StandInClient
from drivers.sim.scene import SceneObject, SceneSpec

CELLS = Path(__file__).parents[3] / "drivers" / "cells"
CELL = CELLS / "so101-emulated.toml"


def block(x_m: float, y_m: float, z_m: float = 0.02) -> SceneSpec:
    thing = SceneObject("block", "box", (0.04, 0.04, 0.04), (0.8, 0.1, 0.1), 0.05, (x_m, y_m, z_m))
    return SceneSpec(objects=(thing,))


@pytest.fixture
def cell() -> Iterator[EmulatedCell]:
    with tempfile.TemporaryDirectory(prefix="emu") as folder:
        made = EmulatedCell(load_cell(CELL), Path(folder), noise=True, seed=None)
        yield made
        made.loop.close()
        made.close()


def steps(cell: EmulatedCell, seconds: float) -> None:
    for _ in range(int(seconds * 512)):
        cell.rig.step()


def servo(cell: EmulatedCell, servo_id: int) -> Servo:
    return cell.rig.lines[0].bus.servos[servo_id - 1]


def travel(cell: EmulatedCell, goals: dict[int, float], seconds: float = 1.5) -> None:
    """Move by degrees, the way a driver does: a stream of goals at 100 Hz."""
    start = {n: servo(cell, n).present() for n in goals}
    count = int(seconds * 100)
    for k in range(1, count + 1):
        u = k / count
        share = u**3 * (10 - 15 * u + 6 * u * u)
        for n, degrees in goals.items():
            goal = round(start[n] + share * degrees / 360 * 4096)
            servo(cell, n).write(42, goal.to_bytes(2, "little"))
        steps(cell, 0.01)


def true_rad(cell: EmulatedCell, joint: str) -> float:
    return float(cell.plant.world.data.joint(f"arm/{joint}").qpos[0])


def test_it_holds_itself_at_home_and_its_eeproms_are_those_of_the_calibration(
    cell: EmulatedCell,
) -> None:
    steps(cell, 1.0)
    home = cell.plant.world.info.arms[0].home_rad
    file = json.loads((CELLS / "so101-emulated.json").read_text())
    for n, (joint, angle) in enumerate(zip(list(file)[:5], home, strict=True), 1):
        assert abs(true_rad(cell, joint) - angle) < math.radians(1.5)
        kept = file[joint]
        limits = servo(cell, n).read(9, 4)
        assert limits == (kept["range_min"] | kept["range_max"] << 16).to_bytes(4, "little")
        middle = (kept["range_min"] + kept["range_max"]) / 2
        seen = (int.from_bytes(servo(cell, n).read(56, 2), "little") - middle) * TICK_RAD
        assert abs(seen - angle) < math.radians(4.0)


def test_streamed_goals_are_followed_closely(cell: EmulatedCell) -> None:
    goal = servo(cell, 2).present() + 40 / 360 * 4096
    travel(cell, {2: 40.0}, 1.0)
    steps(cell, 0.5)
    assert abs(servo(cell, 2).present() - goal) * 360 / 4096 < 1.5


def test_a_stretched_arm_sags_by_the_published_size(cell: EmulatedCell) -> None:
    travel(cell, {2: 86.0, 3: -34.0, 4: -92.0}, 2.0)
    steps(cell, 1.0)
    goal = int.from_bytes(servo(cell, 2).read(42, 2), "little")
    sag = (servo(cell, 2).present() - goal) * 360 / 4096
    assert 0.5 < abs(sag) < 2.0
    load = int.from_bytes(servo(cell, 2).read(60, 2), "little") & 0x3FF
    assert 100 < load < 500


def test_play_is_hidden_from_the_encoder(cell: EmulatedCell) -> None:
    travel(cell, {2: 86.0, 3: -34.0, 4: -92.0}, 2.0)
    steps(cell, 1.0)
    hidden = [s.angle_rad for s in cell.plant.of_arm("arm")][1] - true_rad(cell, "shoulder_lift")
    assert abs(hidden) == pytest.approx(math.radians(0.25), rel=0.1)


def test_without_torque_the_arm_falls(cell: EmulatedCell) -> None:
    travel(cell, {2: 60.0, 3: -34.0}, 1.5)
    before = true_rad(cell, "shoulder_lift")
    for n in IDS:
        servo(cell, n).write(40, b"\0")
    steps(cell, 1.0)
    assert abs(true_rad(cell, "shoulder_lift") - before) > 0.2


def test_a_jammed_joint_stays_and_the_load_is_felt(cell: EmulatedCell) -> None:
    inject(cell.rig, "jam", {"servo": 1})
    before = true_rad(cell, "shoulder_pan")
    travel(cell, {1: 20.0}, 0.8)
    assert abs(true_rad(cell, "shoulder_pan") - before) < 0.01
    assert int.from_bytes(servo(cell, 1).read(60, 2), "little") & 0x3FF > 900


def test_the_jaw_closes_to_its_limit(cell: EmulatedCell) -> None:
    travel(cell, {6: -60.0}, 1.0)
    steps(cell, 0.3)
    assert true_rad(cell, "gripper") == pytest.approx(-0.1745, abs=0.02)


def test_a_scene_is_set_without_moving_the_arm(start: Callable[..., Running]) -> None:
    running = start(str(CELL), module="drivers.emu")
    control = StandInClient(running.folder / "sim")
    before = [s["present"] for s in running.servos()]
    name = control.reset_scene(block(0.2, 0.05))
    assert name and control.truth().objects["block"].xyz_m == pytest.approx(
        (0.2, 0.05, 0.02), abs=0.002
    )
    assert [s["present"] for s in running.servos()] == pytest.approx(before, abs=4)
    kept = control.snapshot()
    control.reset_scene(block(0.25, -0.05))
    control.restore(kept)
    assert control.truth().objects["block"].xyz_m[0] == pytest.approx(0.2, abs=0.002)
    with pytest.raises(ValueError, match="wall time"):
        control.set_speed(2.0)
    control.close()


def test_a_thing_is_not_set_where_the_arm_stands(start: Callable[..., Running]) -> None:
    running = start(str(CELL), module="drivers.emu")
    control = StandInClient(running.folder / "sim")
    control.reset_scene(block(0.2, 0.05))
    with pytest.raises(CellRefused, match="the arm is in the way"):
        control.reset_scene(SceneSpec(objects=tuple(_wall())))
    assert control.truth().objects["block"].xyz_m[0] == pytest.approx(0.2, abs=0.002)
    control.close()


def _wall() -> Iterator[SceneObject]:
    for n, y in enumerate(np.linspace(-0.2, 0.2, 5)):
        yield SceneObject(
            f"wall {n}", "box", (0.3, 0.09, 0.5), (0.5,) * 3, 5.0, (0.2, float(y), 0.25)
        )


def test_the_bus_of_a_cell_is_there_and_goes_with_it(start: Callable[..., Running]) -> None:
    running = start(str(CELL), module="drivers.emu")
    assert running.said["ports"] == [str(running.link)]
    sdk = Sdk(running.link)
    assert [sdk.ping(n) for n in IDS] == [777] * 6
    sdk.write(2, 42, 1100)
    sdk.packets.write2ByteTxRx(sdk.port, 2, 42, 4000)
    sdk.read(2, 42)
    counts = running.faults.ask(do="goals")["arms"]["arm"]["servos"]["2"]
    assert counts["outside"] >= 1 and counts["highest"] == 4000
    sdk.close()
    running.close()
    assert running.process.returncode == 0
    assert [p.name for p in running.folder.iterdir()] == ["journal"]


def test_the_register_log_knows_the_limits_of_the_cell_file(cell: EmulatedCell) -> None:
    allowed = cell.rig.lines[0].bus.log.allowed
    for n, joint in enumerate(cell.plant.world.info.arms[0].joints, 1):
        present, now = servo(cell, n).present(), servo(cell, n).shaft.angle_rad
        low, high = allowed[n]
        assert (low - present) * TICK_RAD + now == pytest.approx(joint.lo_rad, abs=TICK_RAD)
        assert (high - present) * TICK_RAD + now == pytest.approx(joint.hi_rad, abs=TICK_RAD)


def test_a_cell_that_is_not_emulated_is_refused_in_words(start: Callable[..., Running]) -> None:
    running = start(str(CELLS / "yam.toml"), module="drivers.emu")
    assert "emulated" in running.said["error"] and running.process.wait(10) == 2
    with pytest.raises(CellFileError, match="emulated"):
        EmulatedCell(load_cell(CELLS / "yam.toml"), running.folder, True, None)


def test_the_next_host_finds_the_arm_as_the_killed_one_left_it(
    start: Callable[..., Running],
) -> None:
    first = start(str(CELL), module="drivers.emu")
    sdk = Sdk(first.link)
    sdk.write(1, 42, 2300)
    sdk.close()
    again = start(str(CELL), module="drivers.emu")
    assert again.said == {"ready": True, "pid": first.process.pid, "found": True}
    sdk = Sdk(again.link)
    assert (sdk.read(1, 42), sdk.read(1, 40, 1)) == (2300, 1)
    sdk.close()
    again.close()
    assert again.process.returncode == 0 and first.process.wait(10) == 0


def test_a_restart_finds_the_bench_and_the_arm_as_they_were_left(
    start: Callable[..., Running],
) -> None:
    first = start(str(CELL), module="drivers.emu")
    control = StandInClient(first.folder / "sim")
    control.reset_scene(block(0.2, 0.05))
    control.close()
    sdk = Sdk(first.link)
    sdk.write(1, 42, 2300)
    first.faults.inject("torque", servo=5, value=0)
    until(lambda: abs(sdk.read(1, 56) - 2300) < 10, "it is there")
    left = [sdk.read(n, 56) for n in IDS]
    sdk.close()
    first.close()
    assert first.process.returncode == 0
    again = start(str(CELL), module="drivers.emu")
    assert again.said["pid"] == again.process.pid
    sdk = Sdk(again.link)
    # Within what the first servo still had to go when it was read.
    assert [sdk.read(n, 56) for n in IDS] == pytest.approx(left, abs=12)
    assert [sdk.read(n, 40, 1) for n in IDS] == [1, 1, 1, 1, 0, 1] and sdk.read(1, 42) == 2300
    control = StandInClient(again.folder / "sim")
    assert control.truth().objects["block"].xyz_m[0] == pytest.approx(0.2, abs=0.002)
    control.close()
    sdk.close()
    again.close()
    (again.folder / "journal").write_bytes(b"garbage")
    third = start(str(CELL), module="drivers.emu")
    assert third.said["ready"]


def test_another_cell_takes_the_place_of_the_old_one(start: Callable[..., Running]) -> None:
    first = start(str(CELL), module="drivers.emu")
    again = start(str(CELL), "--seed", "5", module="drivers.emu")
    assert first.process.wait(10) == 0
    assert again.said["pid"] == again.process.pid
    assert Sdk(again.link).ping(1) == 777


def test_a_stuck_camera_sends_the_same_picture_as_new(cell: EmulatedCell) -> None:
    shown = cell._shown
    eyes = open_source(shown.camera_config)
    shown.now_s = 10.0
    eyes.update(shown.world_state())
    before = eyes.frame("scene")
    travel(cell, {1: 20.0}, 0.5)
    shown.now_s, shown.views.frozen = 11.0, True
    eyes.update(shown.world_state())
    stuck = eyes.frame("scene")
    assert np.array_equal(stuck.rgb, before.rgb)
    assert (stuck.t_s, stuck.seq) == (11.0, before.seq + 1)
    for n in range(1, 26):
        shown.now_s = 11.0 + 0.02 * n
        eyes.update(shown.world_state())
    with pytest.raises(CameraTrouble, match=r"frozen: \d+ identical pictures") as noticed:
        eyes.frame("scene")
    assert noticed.value.code == "frozen"
    shown.views.frozen = False
    eyes.update(shown.world_state())
    assert not np.array_equal(eyes.frame("scene").rgb, before.rgb)


def test_a_covered_lens_is_dark_and_an_unplugged_camera_says_so(cell: EmulatedCell) -> None:
    shown = cell._shown
    eyes = open_source(shown.camera_config)
    shown.views.black = True
    eyes.update(shown.world_state())
    assert eyes.frame("scene").rgb.max() < 5
    shown.views.missing = True
    eyes.update(shown.world_state())
    with pytest.raises(CameraTrouble, match="unplugged") as noticed:
        eyes.frame("scene")
    assert noticed.value.code == "missing"
    shown.views.clear()
    eyes.update(shown.world_state())
    assert eyes.frame("scene").rgb.max() > 100


def test_a_camera_on_the_arm_knows_the_encoders_not_the_truth(cell: EmulatedCell) -> None:
    travel(cell, {2: 86.0, 3: -34.0, 4: -92.0}, 2.0)
    shown = cell._shown
    eyes = open_source(shown.camera_config)
    eyes.update(shown.world_state())
    told = eyes.frame("wrist").q_rad
    assert told == tuple(s.angle_rad for s in cell.plant.of_arm("arm")[:5])
    assert abs(told[1] - true_rad(cell, "shoulder_lift")) > 0.003
