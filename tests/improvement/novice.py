"""A scripted coding agent from elsewhere: it has the tools' replies and nothing of this project.

It writes the program it was given, runs it, reads which call failed with which status at which
line, mends that line by a rule for the status, and proves it. Which fault was put in it does not
know. Imported by the ACP agent and by the MCP client; standard library only.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Awaitable, Callable

Use = Callable[[str, dict], Awaitable[str]]
TOO_FAR = ("LIMIT", "IK_FAILED", "PLANNING_ERROR", "COLLISION", "NOT_CONVERGED", "BLOCKED")
_RUN = re.compile(r"scene (\d+): trial (\d+) (\w+)")
_ROW = re.compile(r"^\s*(\d+) line (\d+)\s+(\w+)\s+[\d.]+ s  (\w+):", re.MULTILINE)


def unfenced(text: str) -> dict:
    return json.loads(text[text.index("{") : text.rindex("}") + 1])


async def work(use: Use, program: str, scenes: tuple[int, ...] = (0, 1)) -> str:
    """Until it holds on the scenes; returns a summary of what was done."""
    task = unfenced(await use("task", {}))
    number, why, done = None, "the plain program", []
    for _ in range(4):
        said = await use("open_hypothesis", _hypothesis(program, number, why))
        number = unfenced(said)["hypothesis"]
        trials = _RUN.findall(await use("run", _run(number, scenes[:1], bench=True)))
        if trials[0][2] == "PASS" and scenes[1:]:
            rest = await use("run", _run(number, scenes[1:], bench=False))
            trials = _RUN.findall(rest)
        failed = [t for t in trials if t[2] != "PASS"]
        if not failed:
            break
        trial = int(failed[0][1])
        rows = _ROW.findall(await use("calls", {"trial": trial}))
        bad = next(r for r in rows if r[2] != "OK")
        detail = unfenced(await use("call", {"trial": trial, "call": int(bad[0])}))
        program, why = _mended(program, detail, [o["name"] for o in task["objects"]])
        done.append(f"{detail['primitive']} {detail['status']} at line {detail['line']}: {why}")
        await use("say", {"text": done[-1], "role": "finding"})
    if done and scenes[1:]:
        await use("judge", {"hypothesis": number})
    summary = "; ".join(done) or "nothing had to be mended"
    await use("finish", {"best": number, "summary": summary})
    return summary


def _mended(program: str, detail: dict, names: list[str]) -> tuple[str, str]:
    lines, at = program.splitlines(), detail["line"] - 1
    if detail["status"] in TOO_FAR:
        largest = max(re.findall(r"(?<![\w.])\d+\.\d+", lines[at]), key=float)
        lines[at] = lines[at].replace(largest, f"{float(largest) / 2:g}")
        return "\n".join(lines) + "\n", f"{largest} m is too far"
    wrong = next(v for v in detail["args"].values() if isinstance(v, str))
    right = difflib.get_close_matches(wrong, names, 1, 0.0)[0]
    return program.replace(f'"{wrong}"', f'"{right}"'), f"the task knows a {right}, no {wrong}"


def _run(number: int, scenes: tuple[int, ...], *, bench: bool) -> dict:
    return {"hypothesis": number, "seed_indices": list(scenes), "bench": bench}


def _hypothesis(program: str, parent: int | None, claim: str) -> dict:
    return {
        "claim": claim,
        "difference": "one line" if parent else "first program",
        "if_wrong": "the same call fails again",
        "program": program,
        "parent": parent,
    }
