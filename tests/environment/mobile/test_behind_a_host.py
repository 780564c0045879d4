"""The driving cell as it really runs: behind a host process, through its sockets."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.motion.kinematics import Kinematics
from aspire_tui.environment.outcome import PrimitiveOutcome
from aspire_tui.environment.primitives import ALL
from aspire_tui.environment.primitives.registry import catalogue, embodiment_of
from drivers.client import CellClient
from drivers.runtime_dir import cell_paths
from drivers.sim.control import StandInClient
from drivers.sim.scene import SceneSpec
from drivers.spawn import ensure_host

from .conftest import CELL, RADIO


def test_the_published_example_through_a_host_process() -> None:
    with tempfile.TemporaryDirectory(prefix="rt-", dir="/tmp") as folder:
        runtime = Path(folder)
        runtime.chmod(0o700)
        ensure_host(CELL, "mobile", "test", runtime, speed=10.0, timeout_s=60.0)
        client = CellClient("mobile", role="operator", who="test", runtime=runtime)
        try:
            stand_in = StandInClient(str(cell_paths("mobile", runtime).folder / "sim"))
            stand_in.reset_scene(SceneSpec((RADIO,), noise_seed=3, base_pose=(-0.75, -0.2, 0.0)))
            arm = client.info.arms[0]
            rng = np.random.default_rng(0)
            bench = Workbench(client, arm, Kinematics(arm), "test", rng)
            names = catalogue(ALL, "r1pro", "", embodiment_of(client.info))

            def call(name: str, /, **given: object) -> PrimitiveOutcome:
                return names[name].invoke(bench, given)

            radio_pos = call("get_object_pose", object_name="orange radio").value[0]
            straight = call("navigate_to_pose", pose_2d=[*radio_pos[:2], 0.0])
            assert straight.status == "PLANNING_ERROR"
            for angle in (180, -90, 90, -45, 45):
                x = radio_pos[0] + 0.7 * np.cos(np.deg2rad(angle))
                y = radio_pos[1] + 0.7 * np.sin(np.deg2rad(angle))
                yaw = float(np.arctan2(radio_pos[1] - y, radio_pos[0] - x))
                there = call("safe_navigate", pose_2d=[x, y, yaw], name=f"ang_{angle}")
                if there.value and call("dist_to", xy=radio_pos[:2]).value < 0.8:
                    break
            assert there.status == "OK", there.summary
            truth = stand_in.truth()
            base = client.status().base
            assert base is not None
            away = np.hypot(base.q_rad[0] - RADIO.xyz_m[0], base.q_rad[1] - RADIO.xyz_m[1])
            assert 0.6 < away < 0.8 and "orange radio" in truth.objects
            # HOLD stands over the base as over any arm: a drive asked for now does not begin.
            client.hold("test", "test")
            assert client.status().held
        finally:
            client.shutdown("test")
            client.close()
