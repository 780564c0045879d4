from __future__ import annotations

import time
from pathlib import Path

from drivers.client import StateStream
from drivers.runtime_dir import cell_paths
from tests.e2e.kills import PATIENCE_S, _engines, _moving_call, _reader, end_everything


def test_a_run_whose_session_is_deleted_ends_and_the_cell_holds(bench) -> None:  # type: ignore[no-untyped-def]
    command = bench.start("run", "cube_stack", "--rounds", "0", "--speed", "1", "--json")
    try:
        with _reader(bench) as reader:
            _moving_call(reader)
            Path(reader.path).unlink()
        until = time.monotonic() + PATIENCE_S
        while _engines(bench) and time.monotonic() < until:
            command.poll()
            time.sleep(0.1)
        assert _engines(bench) == []
        stream = StateStream(cell_paths("yam", bench.runtime / "aspire").folder.as_posix())
        now = stream.wait(10.0)
        assert now is not None and now.status.state == "HOLD"
        stream.close()
    finally:
        command.kill()
        command.wait()
        end_everything(bench)
