"""``aspire-tui cell check`` as an operator types it, on a serial line."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from sts_process import Command, EmulatedBus, hardware_cell

from drivers.feetech.arm import FeetechArm
from drivers.feetech.link import SerialLink
from drivers.types import Finding


def test_a_broken_cable_is_told_as_data_and_as_words(
    aspire: Command, emulated: EmulatedBus
) -> None:
    cell = str(hardware_cell(emulated.folder, emulated.port))
    (emulated.folder / "bench-so101.toml").write_text(
        Path(cell).read_text().replace('calibration = "arm.json"', "")
    )
    emulated.inject("cable", servo=4)
    code, out, err = aspire("cell", "check", cell, "--json")
    assert (code, err) == (5, "")
    told: dict[str, Any] = json.loads(out)
    by_code = {finding["code"]: finding for finding in told["findings"]}
    assert told["healthy"] is False
    assert "cable between 4 and 5" in by_code["ids_missing"]["why"]
    assert by_code["hardware_unproven"]["severity"] == "warn"
    code, out, _ = aspire("cell", "check", cell)
    assert code == 5
    assert "between servo 4 and servo 5" in " ".join(out.split())


def test_a_port_that_is_held_is_no_traceback_but_its_holder(
    aspire: Command, emulated: EmulatedBus
) -> None:
    cell = str(hardware_cell(emulated.folder, emulated.port))
    link = SerialLink(emulated.port, 1_000_000)
    try:
        code, out, err = aspire("cell", "check", cell)
    finally:
        link.close()
    assert (code, err) == (5, "")
    assert f"process {os.getpid()}" in " ".join(out.split())


def test_an_arm_that_goes_away_while_it_is_looked_at_is_a_finding(
    aspire: Command, emulated: EmulatedBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = str(hardware_cell(emulated.folder, emulated.port))
    looked = FeetechArm.check

    def check(arm: FeetechArm) -> list[Finding]:
        emulated.inject("unplug")
        arm.read(0.1)
        return looked(arm)

    monkeypatch.setattr(FeetechArm, "check", check)
    code, out, err = aspire("cell", "check", cell, "--json")
    assert (code, err) == (5, "")
    codes = {f["code"] for f in json.loads(out)["findings"]}
    assert "device_lost" in codes


def test_a_stand_in_has_nothing_to_check(aspire: Command) -> None:
    code, out, err = aspire("cell", "check", "yam", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["findings"] == []
