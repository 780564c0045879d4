"""The cube task on an arm reached over TCP with CURVE, by the commands a person would type."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from aspire_tui.session.reader import SessionReader
from tests.e2e.test_exec import LIFT


def four_free_ports() -> int:
    for first in range(31000 + os.getpid() % 9000, 60000, 7):
        with contextlib.ExitStack() as held, contextlib.suppress(OSError):
            for port in range(first, first + 4):
                held.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return first
    raise OSError("no four ports in a row are free")


@contextlib.contextmanager
def far_machine(bench, *more: str) -> Iterator[Path]:  # type: ignore[no-untyped-def]
    """A yam cell served elsewhere, and a reference ``far`` to it in the bench's workspace."""
    keys, ours, port = bench.home / "host-keys", bench.home / "keys", four_free_ports()
    assert bench.run("cell", "keys", str(keys)).code == 0
    assert bench.run("cell", "keys", str(ours), "--name", "ann", "--role", "operator").code == 0
    (keys / "authorized").mkdir()
    shutil.copy(ours / "ann.operator.key", keys / "authorized")
    shutil.copy(keys / "host.key", ours / "far.key")
    (bench.home / "cells").mkdir()
    with tempfile.TemporaryDirectory(prefix="far-", dir="/tmp") as runtime:
        stand_in = Path(runtime) / "aspire" / "cell-yam" / "sim"
        (bench.home / "cells" / "far.toml").write_text(
            f'name = "far"\n[remote]\naddress = "tcp://127.0.0.1:{port}"\n'
            'host_key = "../keys/far.key"\nkeys = "../keys/ann.operator.key_secret"\n'
            f'stand_in = "{stand_in}"\n'
        )
        host = subprocess.Popen(
            bench.command(
                *("cell", "serve", "yam", "--tcp", f"127.0.0.1:{port}"), "--keys", str(keys), *more
            ),
            env={**bench.environment, "XDG_RUNTIME_DIR": runtime},
        )
        until = time.monotonic() + 60.0
        while not stand_in.exists():
            assert host.poll() is None and time.monotonic() < until, "the host does not come up"
            time.sleep(0.05)
        yield Path(runtime)
        host.kill()
        host.wait()


def test_the_cube_task_passes_on_an_arm_reached_over_tcp_with_curve(bench) -> None:  # type: ignore[no-untyped-def]
    with far_machine(bench, "--speed", "6") as runtime:
        shown = bench.run("cells", "show", "far", "--json")
        assert shown.json["cell"]["arms"][0]["model"] == "yam"
        answer = bench.run(
            "exec", bench.program(LIFT), "--task", "cube_lift", "--seed", "3",
            "--cell", "far", "--json",
        )  # fmt: skip
        said = answer.json
        assert answer.code == 0, answer.err
        assert (said["verdict"]["outcome"], said["referee"]) == ("PASS", "PASS")
        assert all(c["status"] == "OK" for c in said["calls"])
        # Nothing of it ran on the near side: no host, no local sockets.
        near = bench.runtime / "aspire" / "cell-far"
        assert not (near / "ctl").exists() and not (near / "lock").exists()
        assert sorted(p.name for p in near.iterdir()) == ["remote.json", "seen.toml"]
        with SessionReader(said["session"]) as reader:
            assert reader.verify() == []
            assert reader.keyframes(1, 1)
        held = bench.run("cell", "hold", "far", "--json")
        assert held.code == 0 and held.json["held"]
        assert bench.run("cell", "shutdown", "far").code == 0
    gone = bench.run("cell", "hold", "far")
    assert gone.code == 5 and "use the physical stop" in gone.err and "Traceback" not in gone.err
    assert runtime.name.startswith("far-")
