"""A dry run on the screen: both verdicts side by side, what was seen and what was not."""

from __future__ import annotations

from pathlib import Path

from consoles import bench
from recorded import PLAIN, Story, first_half, second_half

from aspire_tui.domain import DryCall, SeenCell, SeenTable, SeenThing, Verdict, sha256_hex
from aspire_tui.events import DryRunReported

SEEN = SeenCell(
    cell_s=3.0,
    q_rad=(0.0,) * 6,
    width_m=0.075,
    grip_force_N=0.0,
    things=(
        SeenThing("red cube", (0.31, -0.12, 0.03), 0.2, (0.06, 0.06, 0.06), 0.006, ("scene",)),
        SeenThing("seen 1", (0.4, 0.1, 0.02), 0.0, (0.05, 0.04, 0.04), 0.01),
    ),
    table=SeenTable("scene", 0.001, 0.01, 0.0015, 7000),
    absent=("green cube: scene: no pixels fit 'green cube'",),
)
DRY = DryRunReported(
    program=sha256_hex(PLAIN.encode()),
    task="cube_stack",
    who="op1",
    seen=SEEN,
    ended="raised",
    error="PrimitiveError: NOT_FOUND (line 3)",
    calls=(
        DryCall(1, "get_object_pose", 2, "OK", "", 0.0),
        DryCall(2, "get_object_pose", 3, "NOT_FOUND", "", 0.0),
    ),
    verdict=Verdict("UNSURE", (), "rule", "green cube: not seen"),
)


async def test_a_dry_run_stands_beside_the_trial_that_is_not_judged_yet(tmp_path: Path) -> None:
    story = Story(tmp_path / "dry.db")
    first_half(story)
    story.say(DRY)
    async with bench(story.path) as b:
        await b.press("3", "z")
        text = "\n".join(b.pane("checks"))
        for part in (
            "dry run in the stand-in",
            "UNSURE",
            "cell    no verdict not judged",
            "red cube",
            "±6 mm",
            "absent: green cube",
            "NOT_FOUND",
        ):
            assert part in text, (part, text)
    story.close()


async def test_its_end_is_said_while_the_operator_watches(tmp_path: Path) -> None:
    story = Story(tmp_path / "live.db")
    first_half(story)
    async with bench(story.path) as b:
        story.say(DRY)
        await b.until(lambda: "dry run UNSURE: PrimitiveError: NOT_FOUND (line 3)" in b.bar)
    story.close()


async def test_both_verdicts_are_told_and_that_they_differ(tmp_path: Path) -> None:
    story = Story(tmp_path / "both.db")
    program = first_half(story)
    story.say(DRY)
    second_half(story, program)
    story.close()
    async with bench(story.path, mode="replay", size=(200, 60)) as b:
        b.console.source.choose(trial=1)
        await b.settled()
        await b.press("3", "z")
        text = "\n".join(b.pane("checks"))
        assert "UNSURE" in text and "FAIL" in text and "they differ" in text


async def test_a_session_of_a_dry_run_alone_shows_it(tmp_path: Path) -> None:
    story = Story(tmp_path / "alone.db")
    story.opens()
    story.say(DRY)
    story.close()
    async with bench(story.path, mode="replay") as b:
        assert "dry run in the stand-in" in "\n".join(b.pane("checks"))
