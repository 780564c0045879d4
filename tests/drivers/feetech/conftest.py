from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from sts_process import EmulatedBus


@pytest.fixture
def emulated(tmp_path: Path) -> Iterator[EmulatedBus]:
    bus = EmulatedBus(tmp_path)
    try:
        yield bus
    finally:
        bus.close()
