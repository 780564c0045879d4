"""Three ways of seeing are compared only where the model looked, on enough runs each."""

from __future__ import annotations

from typing import Any

from aspire_tui.commands.bench_verbs import LEAST_RUNS, VISIONS, vision_says


def ran(passed: dict[str, int], n: int, looked: int = 1) -> dict[str, list[dict[str, Any]]]:
    return {
        how: [
            {"outcome": "PASS" if i < passed[how] else "FAIL", "looked": looked} for i in range(n)
        ]
        for how in VISIONS
    }


def test_what_runs_allow_to_be_said() -> None:
    passed = {"native": 3, "tool": 2, "text": 0}
    assert "no comparison" in vision_says(ran(passed, 3, looked=0))
    few = vision_says(ran(passed, 3))
    assert few.startswith("runs that passed: native 3/3, tool 2/3, text 0/3") and "none" in few
    enough = vision_says(ran(passed, LEAST_RUNS))
    assert enough == "runs that passed, on the same seeds: native 3/10, tool 2/10, text 0/10"
