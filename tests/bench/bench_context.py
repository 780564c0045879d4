"""Tokens per repair with the index of calls against whole traces, by a scripted model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

from tests.bench.figure import Figure
from tests.improvement.loopback import Loopback
from tests.improvement.repairer import Repairer

COMMAND = "python -m tests.bench context"
TASK = "cube_lift"
FAILURES = 30
LONGEST_S = 3000.0


def figures() -> list[Figure]:
    told = measure(FAILURES)
    index, whole = told["modes"]["index"], told["modes"]["whole"]
    rates = [f"{m['repaired']['k']}/{m['repaired']['n']}" for m in (index, whole)]
    return [
        Figure(
            "tokens per repair, index · whole trace (scripted model, quarter of a character each)",
            "fewer, at equal repairs on ≥ 30 failures",
            f"{index['per_repair']:,.0f} · {whole['per_repair']:,.0f}, saved {told['saved']:.0%}; "
            f"repaired {rates[0]} · {rates[1]}",
            COMMAND,
            "yes" if told["verdict"].startswith("counts") and told["saved"] > 0 else "no",
        )
    ]


def measure(failures: int) -> dict:  # type: ignore[type-arg]
    """``aspire-tui bench context`` against a loopback endpoint."""
    with tempfile.TemporaryDirectory(prefix="bench-context-") as home, Loopback(Repairer()) as loop:
        words = ["bench", "context", TASK, "--model", "openai-chat:scripted"]
        words += ["--base-url", loop.url("openai-chat"), "--failures", str(failures), "--json"]
        done = subprocess.run(
            [sys.executable, "-m", "aspire_tui.cli", "--workspace", home, *words],
            env={k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")},
            stdout=subprocess.PIPE,
            text=True,
            timeout=LONGEST_S,
            check=True,
        )
    return json.loads(done.stdout)
