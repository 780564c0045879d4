"""The three ways of seeing by ``aspire-tui bench vision``: what each sends, by a scripted model.

It looks at the picture of the call that failed before it repairs, as a model would; what is in the
picture it cannot tell, so nothing follows from its outcomes but that the switch works.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from aspire_tui.environment.task_file import SHIPPED
from tests.bench.figure import Figure
from tests.improvement.apprentice import Apprentice, asks_for_another_thing
from tests.improvement.loopback import Asked, Loopback, Says, Use

COMMAND = "python -m tests.bench vision"
MODEL = "openai-chat:gpt-5.2"
CRITERION = "[criterion]\nheld_out_n = 2\nmin_lower_bound = 0.05\ndev_n = 2\nselection_n = 5\n"
LONGEST_S = 900.0


class Onlooker(Apprentice):
    """Looks at the call it opens, where it may; described pictures are described by it, too."""

    def __call__(self, asked: Asked) -> Says:
        if not asked.tools:
            return Says("A red block stands on the table; the gripper is above it.")
        used = asked.uses()
        if "view" in asked.tools and used and used[-1].name == "call":
            return Says("I look at it.", (Use("view", used[-1].args),))
        return super().__call__(_unseen(asked))


def _unseen(asked: Asked) -> Asked:
    """The conversation without its looking: the rules of the apprentice go by calls alone."""
    told = tuple(replace(t, uses=tuple(u for u in t.uses if u.name != "view")) for t in asked.told)
    return replace(asked, told=told)


def figures() -> list[Figure]:
    told = measure()
    shown = []
    for how, (run,) in told["vision"].items():
        used = run["tokens"]
        total = used["input"] + used["cached"] + used["output"]
        shown.append(f"{how} {run['outcome']}, looked {run['looked']}, {total:,} tokens")
    return [
        Figure(
            "one run each: pictures · described · text only (scripted, sees nothing)",
            "-",
            "; ".join(shown),
            COMMAND,
        )
    ]


def measure() -> dict:  # type: ignore[type-arg]
    """The command against a loopback endpoint, on a task with a search of a few trials."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-vision-") as home,
        Loopback(Onlooker(asks_for_another_thing), caches=True) as loop,
    ):
        task = Path(home) / "easy.toml"
        text = (SHIPPED / "cube_lift.toml").read_text().replace('"cube_lift"', '"easy"', 1)
        task.write_text(f"{text}\n{CRITERION}")
        words = ["bench", "vision", str(task), "--model", MODEL, "--seed", "5", "--json"]
        done = subprocess.run(
            [sys.executable, "-m", "aspire_tui.cli", "--workspace", home, *words,
             "--base-url", loop.url("openai-chat")],
            env={k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")},
            stdout=subprocess.PIPE, text=True, timeout=LONGEST_S, check=True,
        )  # fmt: skip
    return json.loads(done.stdout)
