"""Worker trials at the pace of a bench: they take their cell time, and HOLD makes them longer."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from aspire_tui.rollout import bulk
from aspire_tui.rollout.bulk import HOLD_POLL_S, still_to_wait_s


def test_a_trial_waits_for_what_is_left_of_its_cell_time() -> None:
    assert still_to_wait_s(1.0, 12.0, 1.5) == 10.5
    assert still_to_wait_s(4.0, 12.0, 1.5) == 1.5
    assert still_to_wait_s(1.0, 2.0, 9.0) == 0.0, "a slow processor is no reason to wait"
    assert still_to_wait_s(0.0, 12.0, 0.0) == 0.0


@dataclass
class Held:
    """HOLD for the first so many looks."""

    looks: int
    slept: float = 0.0

    @property
    def value(self) -> int:
        self.looks -= 1
        return int(self.looks >= 0)


@pytest.mark.parametrize("held_looks", [0, 25])
def test_hold_stops_the_waiting_too(monkeypatch: pytest.MonkeyPatch, held_looks: int) -> None:
    hold = Held(held_looks)
    slept: list[float] = []
    monkeypatch.setattr(bulk._Process, "hold", hold)
    monkeypatch.setattr(bulk.time, "sleep", slept.append)
    bulk._sleep(1.0)
    assert sum(slept) == pytest.approx(1.0 + held_looks * HOLD_POLL_S, abs=HOLD_POLL_S)
