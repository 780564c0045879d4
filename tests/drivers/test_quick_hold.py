"""HOLD as a process of its own: the right message, an honest answer, and few imports."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hosts import cells_folder, until

from drivers.client import CellClient
from drivers.quick_hold import NotHeld, hold, pack
from drivers.spawn import ensure_host
from drivers.wire import Request, Stop, decode_request

CELL = Path(__file__).parent / "kinematic.toml"
NOT_NEEDED = ("numpy", "msgspec", "typer", "textual", "aspire_tui.cli", "mujoco")


def test_what_is_packed_by_hand_is_what_the_host_reads() -> None:
    cause = "a cause of more than thirty-one letters: " + "ä" * 40
    body = {"op": "STOP", "cause": cause}
    raw = pack({"id": "x", "role": "viewer", "who": "ann", "body": body})
    assert decode_request(raw) == Request("x", "viewer", "ann", Stop(cause))


def test_it_holds_and_says_so_or_says_that_nobody_did() -> None:
    with cells_folder() as runtime:
        with pytest.raises(NotHeld, match="physical stop"):
            hold("kin", "ann", runtime=runtime)
        ensure_host(CELL, "kin", "test", runtime)
        with pytest.raises(NotHeld, match="no cell kim runs on this machine; running: kin"):
            hold("kim", "ann", runtime=runtime)
        client = CellClient("kin", runtime=runtime)
        # Confirmed at the next tick, which a busy machine may make wait.
        confirmed = []

        def held() -> bool:
            try:
                confirmed.append(hold("kin", "ann", runtime=runtime))
            except NotHeld:
                return False
            return client.status().held

        until(held, "HOLD is confirmed")
        assert client.status().who == "ann" and confirmed[-1] > 0.0
        client.close()


def test_the_command_imports_no_more_than_it_must_and_fails_in_one_line(tmp_path: Path) -> None:
    script = (
        "import sys, json; sys.argv = ['aspire-tui', 'cell', 'hold', 'nobody']\n"
        "from aspire_tui.entry import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n"
        f"    print(json.dumps([end.code, [m for m in {NOT_NEEDED!r} if m in sys.modules]]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        env={"XDG_RUNTIME_DIR": str(tmp_path), "PATH": ""},
        check=True,
    )
    assert json.loads(done.stdout) == [5, []]
    assert done.stderr.count("\n") == 1 and "physical stop" in done.stderr
