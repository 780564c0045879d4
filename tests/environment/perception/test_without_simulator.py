"""Perception needs image files and nothing else: no simulator, no driver."""

import json
import subprocess
import sys
from pathlib import Path

from aspire_tui.environment.evidence import encode_depth_png, encode_rgb_png

PROGRAM = """
import json, sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("mujoco", "drivers", "mink", "ompl"):
            raise ImportError("blocked: " + name)
sys.meta_path.insert(0, Blocked())
from pathlib import Path
import importlib, pkgutil
import aspire_tui.environment.perception as room
for module in pkgutil.iter_modules(room.__path__):
    importlib.import_module(room.__name__ + "." + module.name)
from aspire_tui.environment.perception.picture import StillPicture
from aspire_tui.environment.perception.objects import locate
here = Path(sys.argv[1])
meta = json.loads((here / "camera.json").read_text())
picture = StillPicture.load(
    "file", here / "rgb.png", here / "depth.png", 1e-4, meta["K"], meta["T_base_cam"]
)
found = locate([picture], "red cube", table_z_m=0.0)
print(json.dumps({"xyz": list(found.position), "bad": [m for m in sys.modules if "mujoco" in m]}))
"""


def test_it_runs_on_image_files_with_the_simulator_blocked(stage, tmp_path):
    scene = stage()
    scene.put("red", (0.33, 0.02), yaw=0.3)
    picture = scene.render()
    (tmp_path / "rgb.png").write_bytes(encode_rgb_png(picture.rgb))
    depth = (picture.depth_m / 1e-4).round().astype("uint16")
    (tmp_path / "depth.png").write_bytes(encode_depth_png(depth))
    geometry = {"K": picture.K.tolist(), "T_base_cam": picture.T_base_cam.tolist()}
    (tmp_path / "camera.json").write_text(json.dumps(geometry))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["bad"] == []
    assert abs(answer["xyz"][0] - 0.33) < 0.004
    assert abs(answer["xyz"][1] - 0.02) < 0.004
