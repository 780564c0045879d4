"""``[device.gello]`` and ``[device.yam_portal]`` of a cell file."""

from __future__ import annotations

import msgspec


class ServedSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An arm behind a server that takes and gives joint angles and one number for the gripper.

    ``port`` of the device is ``tcp://127.0.0.1:PORT``. Where the arm's zero or sign differs from
    the model's: ``model = sign * theirs + offset``.
    """

    gripper_open: float
    """Their number for the widest opening, ``open_width_m``."""
    gripper_closed: float
    rate_hz: float = 100.0
    """How often the server is asked, and told."""
    sign: tuple[int, ...] = ()
    offset_rad: tuple[float, ...] = ()


class GelloSection(ServedSection, frozen=True, forbid_unknown_fields=True):
    """GELLO's robot node (``gello/zmq_core``): pickled requests, answered one at a time."""

    gripper_open: float = 0.0
    gripper_closed: float = 1.0


class YamPortalSection(ServedSection, frozen=True, forbid_unknown_fields=True):
    """I2RT's follower server (``examples/minimum_gello``) over `portal`."""

    gripper_open: float = 1.0
    gripper_closed: float = 0.0
