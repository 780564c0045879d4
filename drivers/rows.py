"""Bulk numbers of ``cell/1``: trajectories and samples as rows of little-endian float64 bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from drivers.types import FloatArray, SampleLog, Trajectory
from drivers.wire import BadMessage, Samples, TrajLoad

KNOTS_PER_PART_BYTES: Final = 48 * 1024
SAMPLES_BYTES: Final = 48 * 1024


def pack_trajectory(trajectory: Trajectory, key: str) -> list[TrajLoad]:
    """A trajectory in parts that fit a message."""
    rows = np.hstack([trajectory.t_s[:, None], trajectory.q_rad, trajectory.dq_rad_s])
    joints = trajectory.q_rad.shape[1]
    per_part = max(1, KNOTS_PER_PART_BYTES // (8 * (1 + 2 * joints)))
    parts = [rows[i : i + per_part] for i in range(0, len(rows), per_part)]
    return [
        TrajLoad(key, i, len(parts), joints, np.ascontiguousarray(part, "<f8").tobytes())
        for i, part in enumerate(parts)
    ]


def unpack_trajectory(parts: Sequence[TrajLoad]) -> Trajectory:
    """Parts in order as a trajectory. Raises BadMessage when they do not fit together."""
    joints = parts[0].joints
    width = 1 + 2 * joints
    data = b"".join(part.knots for part in parts)
    if joints < 1 or not data or len(data) % (8 * width) or any(p.joints != joints for p in parts):
        raise BadMessage("malformed", f"knots are not rows of {width} float64 values")
    rows = np.frombuffer(data, "<f8").reshape(-1, width).astype(np.float64)
    return Trajectory(rows[:, 0], rows[:, 1 : 1 + joints], rows[:, 1 + joints :])


def pack_samples(log: SampleLog) -> Samples:
    """As many of the oldest samples as fit one reply."""
    joints = log.q_rad.shape[1]
    fit = max(1, SAMPLES_BYTES // (8 * (3 + 2 * joints)))
    n = min(len(log.t_s), fit)
    columns = [log.t_s[:n, None], log.width_m[:n, None], log.width_cmd_m[:n, None]]
    rows = np.hstack([*columns, log.q_rad[:n], log.q_cmd_rad[:n]])
    return Samples(joints, np.ascontiguousarray(rows, "<f8").tobytes(), n < len(log.t_s))


def unpack_samples(samples: Samples) -> FloatArray:
    """Rows as in :class:`Samples`."""
    width = 3 + 2 * samples.joints
    return np.frombuffer(samples.rows, "<f8").reshape(-1, width).astype(np.float64)
