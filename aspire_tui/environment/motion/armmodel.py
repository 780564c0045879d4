"""Loads an arm's model file as geometry: kinematics and shapes, without drives or physics.

MuJoCo is used as a kinematics and collision library on the arm alone. No scene is ever loaded
here: what stands on the table comes from depth pictures.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import drivers
from drivers.types import ArmSpec

MODELS = Path(drivers.__file__).parent / "models"


def model_path(arm: ArmSpec) -> Path:
    """Where an arm's model file is; the suffix may be left out of its name."""
    return MODELS / (arm.model if arm.model.endswith(".xml") else f"{arm.model}.xml")


def load_spec(arm: ArmSpec) -> Any:
    """The arm's MjSpec, stripped of everything that only physics needs.

    Raises:
        FileNotFoundError: The model file is not there.
        ValueError: The model lacks a joint or the tool site that the arm names.
    """
    import mujoco

    path = model_path(arm)
    if not path.is_file():
        raise FileNotFoundError(f"arm {arm.name}: no model file {path}")
    spec = mujoco.MjSpec.from_file(str(path))
    for listing in (
        spec.actuators,
        spec.equalities,
        spec.tendons,
        spec.sensors,
        spec.keys,
    ):
        for element in list(listing):
            spec.delete(element)
    names = {j.name for j in spec.joints}
    missing = [j.name for j in arm.joints if j.name not in names]
    if missing:
        raise ValueError(f"{path.name} has no joint {', '.join(missing)}; it has {sorted(names)}")
    if arm.tool_site not in {s.name for s in spec.sites}:
        raise ValueError(f"{path.name} has no site {arm.tool_site!r}")
    return spec


def compile_model(spec: Any, arm: ArmSpec) -> Any:
    """Compile, and let the cell's joint limits rule: they may be tighter than the model's."""
    model = spec.compile()
    for joint in arm.joints:
        number = model.joint(joint.name).id
        model.jnt_limited[number] = True
        model.jnt_range[number] = (joint.lo_rad, joint.hi_rad)
    return model


def finger_joints(spec: Any, arm: ArmSpec) -> list[Any]:
    """Joints of the model that are not the arm's own: the gripper's slides."""
    own = {j.name for j in arm.joints}
    return [j for j in spec.joints if j.name not in own]
