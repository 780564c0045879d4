"""Tokens per repair with the index of calls against whole traces, by a scripted model.

Counted is everything that is sent: instructions, tool schemas, the conversation, pictures. What a
provider's prefix cache would have held is told apart.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from aspire_tui.commands.economy_file import identity_of
from aspire_tui.environment.task_file import SHIPPED, find_task
from aspire_tui.improvement.rules.compose import compose
from tests.bench.figure import Figure
from tests.improvement.apprentice import asks_for_another_thing, reaches_too_high
from tests.improvement.loopback import Loopback
from tests.improvement.repairer import Repairer

COMMAND = "python -m tests.bench context"
TASK = "cube_stack"
MODEL = "openai-chat:gpt-5.2"
"""By name only, for its prices; what answers is the script."""
FAILURES = 30
MINUTES = 11.0
"""Then what is there is printed, and the next call goes on from it."""
LONGEST_S = 880.0


def figures() -> list[Figure]:
    told = measure(FAILURES)
    so_far = "" if told["complete"] else ", so far: the same command goes on"
    index, whole = told["modes"]["index"], told["modes"]["whole"]
    pairs = told["paired"]
    if told["saved"] is None:
        return [Figure("tokens per repair", "fewer", f"{told['verdict']}{so_far}", COMMAND)]
    fresh = 1 - index["fresh_per_repair"] / whole["fresh_per_repair"]
    return [
        Figure(
            f"tokens per repair, index · whole trace (scripted model, all that is sent){so_far}",
            "fewer, at equal repairs on ≥ 30 failures",
            f"{index['per_repair']:,.0f} · {whole['per_repair']:,.0f}, saved {told['saved']:.0%}; "
            f"not from a prefix cache {index['fresh_per_repair']:,.0f} · "
            f"{whole['fresh_per_repair']:,.0f}, saved {fresh:.0%}",
            COMMAND,
            "yes" if told["verdict"].startswith("counts") and told["saved"] > 0 else "no",
        ),
        Figure(
            f"the same {pairs['n']} failures repaired by both · only index · only whole · neither",
            "as many with the index",
            f"{pairs['both']} · {pairs['only_index']} · {pairs['only_whole']} · {pairs['neither']}",
            COMMAND,
            "yes" if pairs["only_index"] >= pairs["only_whole"] else "no",
        ),
    ]


def measure(failures: int, vision: str = "text") -> dict:  # type: ignore[type-arg]
    """``aspire-tui bench context`` against a loopback endpoint, on three programs' failures.

    Kept between calls until all of them are repaired; the file is named by what is measured.
    """
    task = find_task(TASK, (SHIPPED,))
    plain = compose(task)
    texts = [plain, asks_for_another_thing(plain, task), reaches_too_high(plain, task)]
    script = Repairer(looks=vision != "text")
    with (
        tempfile.TemporaryDirectory(prefix="bench-context-") as home,
        Loopback(script, caches=True) as loop,
    ):
        of = identity_of(TASK, "yam", MODEL, vision, 0, failures, texts)
        kept = Path(tempfile.gettempdir()) / f"aspire-bench-context-{os.getuid()}-{of}.json"
        words = ["bench", "context", TASK, "--model", MODEL, "--vision", vision]
        words += ["--into", str(kept), "--minutes", str(MINUTES)]
        for n, text in enumerate(texts):
            path = Path(home) / f"program{n}.py"
            path.write_text(text)
            words += ["--program", str(path)]
        words += ["--base-url", loop.url("openai-chat"), "--failures", str(failures), "--json"]
        done = subprocess.run(
            [sys.executable, "-m", "aspire_tui.cli", "--workspace", home, *words],
            env={k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")},
            stdout=subprocess.PIPE,
            text=True,
            timeout=LONGEST_S,
            check=True,
        )
    told = json.loads(done.stdout)
    if told["complete"]:
        kept.unlink()
    return told
