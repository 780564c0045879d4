"""What a process did with a time: computed, or waited for a core that others had."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cores:
    """Time of all threads of a process that are there now, from ``/proc/PID/task/*/schedstat``.

    Attributes:
        computed_s: On a core.
        waited_s: Ready to go on, but other processes had the cores.
    """

    computed_s: float
    waited_s: float

    @classmethod
    def of(cls, pid: int) -> Cores:
        computed = waited = 0
        for task in Path(f"/proc/{pid}/task").iterdir():
            on_core, ready, _ = (task / "schedstat").read_text().split()
            computed, waited = computed + int(on_core), waited + int(ready)
        return cls(computed / 1e9, waited / 1e9)

    @property
    def in_ms(self) -> str:
        """In words."""
        computed, waited = 1e3 * self.computed_s, 1e3 * self.waited_s
        return f"{computed:.0f} ms computing, {waited:.0f} waiting for a core"

    def __sub__(self, before: Cores) -> Cores:
        return Cores(self.computed_s - before.computed_s, self.waited_s - before.waited_s)


@dataclass(frozen=True)
class Press:
    """One key: how long until the screen answered, and what went on meanwhile."""

    took_s: float
    cores: Cores


def split_of(presses: list[Press]) -> str:
    """Of the slower half: what was computing, what was waiting for a core; medians in words."""
    slow = sorted(presses, key=lambda press: press.took_s)[len(presses) // 2 :]
    computed = sorted(1e3 * press.cores.computed_s for press in slow)[len(slow) // 2]
    waited = sorted(1e3 * press.cores.waited_s for press in slow)[len(slow) // 2]
    return f"{computed:.0f} computing, {waited:.0f} waiting for a core in the slower half"
