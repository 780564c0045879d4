"""How long it takes to find the skills that answer a failure in a library of a thousand."""

from __future__ import annotations

import random
import statistics
import time
from pathlib import Path

import msgspec

from aspire_tui.library.load import Library, load_library
from aspire_tui.library.match import Failure, match
from aspire_tui.library.skill import Skill
from aspire_tui.library.text_search import TextIndex
from tests.bench.figure import Figure, at_most

COMMAND = "python -m tests.bench matching"
SKILLS = 1000
ROUNDS = 200
SHIPPED = Path(__file__).parents[2] / "skills"
replace = msgspec.structs.replace


def figures() -> list[Figure]:
    library = grown(load_library([SHIPPED]).skills)
    failure = Failure(
        "close_gripper", "EMPTY_GRASP", earlier=("sample_grasp_pose", "goto_pose"), kinds=("arm",)
    )
    began = time.perf_counter()
    match(failure, library)
    first_ms = 1e3 * (time.perf_counter() - began)
    signature_ms = [timed(lambda: match(failure, library)) for _ in range(ROUNDS)]
    began = time.perf_counter()
    index = TextIndex(library)
    index.search("slipped")
    build_ms = 1e3 * (time.perf_counter() - began)
    text = "goto_pose BLOCKED the hand touched the cube on its way to the grasp"
    text_ms = [timed(lambda: index.search(text)) for _ in range(ROUNDS)]
    return [
        figure("skills matched by signature", signature_ms),
        Figure("the same, the first time a library is asked", "-", f"{first_ms:.1f} ms", COMMAND),
        figure("skills found by text, when no signature fits", text_ms),
        Figure(
            f"words of {SKILLS} skills counted, once per library",
            "-",
            f"{build_ms:.0f} ms",
            COMMAND,
        ),
    ]


def grown(skills: tuple[Skill, ...]) -> Library:
    """A thousand different skills of the shapes that ship, a quarter of which fit the failure."""
    rng = random.Random(7)
    words = [f"word{i}" for i in range(400)]
    out = []
    for n in range(SKILLS):
        like = skills[n % len(skills)]
        prose = " ".join(rng.choices(words, k=60))
        out.append(replace(like, name=f"{like.name}-{n}", text=f"{like.text} {prose}"))
    return Library(tuple(out))


def timed(act) -> tuple[float, float]:  # type: ignore[no-untyped-def]
    """Milliseconds of wall time and of processor time."""
    began, busy = time.perf_counter(), time.process_time()
    act()
    return 1e3 * (time.perf_counter() - began), 1e3 * (time.process_time() - busy)


def figure(name: str, each_ms: list[tuple[float, float]]) -> Figure:
    wall, busy = (statistics.median(ms) for ms in zip(*each_ms, strict=True))
    value = f"{wall:.2f} ms median, {busy:.2f} ms of processor, n {len(each_ms)}"
    return Figure(f"{name}, library of {SKILLS}", "≤ 10 ms", value, COMMAND, at_most(10.0, wall))
