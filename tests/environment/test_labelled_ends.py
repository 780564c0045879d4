"""Ends that people labelled: the verifier judges their kept pictures as it judged them live."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

import drivers
from aspire_tui.environment import reset, verify
from aspire_tui.environment.draw import draw
from aspire_tui.environment.labelled_ends import (
    LabelledEnd,
    LabelledEnds,
    NotLabelled,
    judge,
    table_of,
)
from aspire_tui.environment.near_misses import end_of
from aspire_tui.environment.new_task import compose_task, unproven
from aspire_tui.environment.task import Relation, TaskDef
from aspire_tui.rollout.journal import MemoryJournal
from aspire_tui.rollout.station import Station
from drivers.cellfile import load_cell
from drivers.sim.cell import SimCell

CELL = Path(drivers.__path__[0]) / "cells" / "yam.toml"
TASK = compose_task(
    "Put the red cube on the blue box",
    "cube_on_box",
    verifier="template",
    sizes=[("blue box", (0.08, 0.08, 0.03))],
)


@pytest.fixture(scope="module")
def station() -> Station:
    cell = SimCell(load_cell(CELL), noise=False)
    return Station.on(cell, cell.stand_in)


@pytest.fixture(scope="module")
def ends(station: Station) -> dict[str, tuple[LabelledEnd, str, Mapping[str, bytes]]]:
    """One stacked and one beside, each with what the verifier said at once and its pictures."""
    import numpy as np

    made = {}
    for kind in ("good", "bad"):
        journal = MemoryJournal()
        bench = station.workbench(TASK, 4, journal)
        placed, spec = draw(TASK, 4, 1, bench.table_z_m)
        station.stand_in.reset_scene(spec)
        bench.forget()
        start = reset.verify_reset(TASK, placed, bench, 1)
        rng = np.random.default_rng(3)
        station.stand_in.reset_scene(end_of(TASK, placed, spec, kind, rng).spec)
        bench.forget()
        verdict = verify.verify(TASK, bench)
        end = LabelledEnd(
            f"live {kind}",
            kind == "good",
            "ada",
            "yam",
            0.0,
            verdict.robots,
            verdict.holder,
            start.keyframes,
            verdict.keyframes,
        )
        blobs = {name: data for name, (_, data) in journal.blobs.items()}
        made[kind] = (end, verdict.reason, blobs)
    return made


def test_kept_pictures_are_judged_as_they_were_live(ends: Any, tmp_path: Path) -> None:
    kept = LabelledEnds.of(tmp_path / "cube_on_box.toml")
    for end, _, blobs in ends.values():
        kept.add(end, blobs.get)
    said = [judge(TASK, end, kept.bytes_of) for end in kept.all()]
    assert [s.verifier for s in said] == ["PASS", "FAIL"], said
    for s, (_, live, _) in zip(said, ends.values(), strict=True):
        assert live.endswith(f"it would say {s.verifier}: {s.reason}")


def test_one_end_counts_once_and_never_by_other_pictures(ends: Any, tmp_path: Path) -> None:
    end, _, blobs = ends["good"]
    kept = LabelledEnds.of(tmp_path / "t.toml")
    kept.add(end, blobs.get)
    with pytest.raises(NotLabelled, match="counts once"):
        kept.add(end, blobs.get)
    (kept.folder / end.end[0].rgb.sha256).write_bytes(blobs[end.start[0].rgb.sha256])
    with pytest.raises(NotLabelled, match="changed"):
        judge(TASK, end, kept.bytes_of)
    with pytest.raises(NotLabelled, match="pruned"):
        LabelledEnds.of(tmp_path / "u.toml").add(end, lambda name: None)


def test_ten_of_each_make_it_count_and_one_false_pass_unmakes_it(ends: Any) -> None:
    said = []
    for i in range(10):
        for end, _, blobs in ends.values():
            one = judge(TASK, end, blobs.get)
            said.append(msgspec.structs.replace(one, source=f"{one.source} {i}"))
    proven = msgspec.structs.replace(TASK, labelled=table_of(said))
    assert unproven(proven) == ""
    good = said[0]
    wrong = msgspec.structs.replace(good, good=False)
    doubted = msgspec.structs.replace(TASK, labelled=table_of([*said, wrong]))
    assert "passed 1 of 11" in unproven(doubted)
    few = msgspec.structs.replace(TASK, labelled=table_of(said[:18]))
    assert "9 good and 9 bad" in unproven(few)


def test_a_verifier_that_was_changed_is_judged_anew_on_the_same_pictures(ends: Any) -> None:
    """Labels are of ends, not of what some verifier said of them."""
    end, _, blobs = ends["good"]
    other: TaskDef = msgspec.structs.replace(TASK, goal=(Relation("lifted", "red cube"),))
    assert judge(TASK, end, blobs.get).verifier == "PASS"
    assert judge(other, end, blobs.get).verifier == "FAIL"
