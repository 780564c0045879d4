"""Landlock: open and list what is granted, nothing else; no TCP, no signals to the outside."""

from __future__ import annotations

import os
import struct

from . import kernel

READ_FILE, READ_DIR = 1 << 2, 1 << 3
_FILE_RIGHTS_BY_ABI = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""How many of the file rights, counted from bit 0, a kernel knows."""
_TCP = 0b11
_SCOPES = 0b11
"""Abstract Unix sockets and signals."""


def abi() -> int:
    """The kernel's Landlock version. Raises OSError where there is none."""
    return kernel.call(kernel.LANDLOCK["create_ruleset"], None, 0, 1)


def restrict(grants: dict[str, int]) -> int:
    """Confine this process for good to ``grants``: path → READ_FILE | READ_DIR.

    Returns:
        The version of the kernel's Landlock.
    """
    version = abi()
    rights = (1 << _FILE_RIGHTS_BY_ABI[min(version, 5)]) - 1
    attributes = struct.pack("<Q", rights)
    if version >= 4:
        attributes += struct.pack("<Q", _TCP)
    if version >= 6:
        attributes += struct.pack("<Q", _SCOPES)
    rules = kernel.call(kernel.LANDLOCK["create_ruleset"], attributes, len(attributes), 0)
    try:
        for path, granted in grants.items():
            target = os.open(path, os.O_PATH | os.O_CLOEXEC)
            try:
                rule = struct.pack("<Qi", granted, target)
                kernel.call(kernel.LANDLOCK["add_rule"], rules, 1, rule, 0)
            finally:
                os.close(target)
        kernel.call(kernel.LANDLOCK["restrict_self"], rules, 0)
    finally:
        os.close(rules)
    return version
