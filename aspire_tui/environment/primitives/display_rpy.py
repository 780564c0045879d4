"""Display RPY of the YAM programs, in degrees, and back.

Their quaternion is the xyz-euler of [-pitch, roll, -yaw - 90]. (0, 0, 0) is taken as the gripper
pointing straight down with the fingers opening along y, wxyz (0, 0, 1, 0) here; what these
functions give they take back unchanged.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from aspire_tui.environment.motion.pose import FloatArray

DOWN: Final = (0.0, 1.0, 0.0, 0.0)
"""The tool straight down, xyzw."""


def display_quaternion(rpy_deg: FloatArray) -> FloatArray:
    """Quaternion xyzw that display RPY stands for, in the YAM gripper's own frame."""
    from scipy.spatial.transform import Rotation

    roll, pitch, yaw = rpy_deg
    out: FloatArray = Rotation.from_euler(
        "xyz", (-pitch, roll, -yaw - 90.0), degrees=True
    ).as_quat()
    return out


def tool_rotation(rpy_deg: FloatArray) -> FloatArray:
    """Rotation (3, 3) of the tool for display RPY."""
    from scipy.spatial.transform import Rotation

    rest = Rotation.from_quat(display_quaternion(np.zeros(3)))
    out: FloatArray = (
        Rotation.from_quat(display_quaternion(rpy_deg)) * rest.inv() * Rotation.from_quat(DOWN)
    ).as_matrix()
    return out


def rpy_of(R: FloatArray) -> FloatArray:
    """Display RPY, degrees, of the tool's rotation (3, 3)."""
    from scipy.spatial.transform import Rotation

    rest = Rotation.from_quat(display_quaternion(np.zeros(3)))
    shown = Rotation.from_matrix(R) * Rotation.from_quat(DOWN).inv() * rest
    a, b, c = shown.as_euler("xyz", degrees=True)
    yaw = (-c - 90.0 + 180.0) % 360.0 - 180.0
    return np.array((b, -a, yaw))
