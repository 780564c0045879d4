"""Ends of attempts that a person called good or bad, kept with their pictures beside the task.

A verifier that is not the operator's own word is proven on them, and proven again when its goal
was changed: the pictures stay, what it says of them is made anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from aspire_tui.domain import Blob, Keyframe, Outcome, RobotState, Struct, Verdict, sha256_hex
from aspire_tui.environment.evidence import decode_depth_png, decode_rgb_png
from aspire_tui.environment.judging import Marks, Sensed
from aspire_tui.environment.perception.picture import StillPicture
from aspire_tui.environment.relations import RELATIONS
from aspire_tui.environment.seen_end import SeenEnd, checks_of, fuse
from aspire_tui.environment.task import Labelled, TaskDef

LIST: Final = "ends.jsonl"

Bytes = Callable[[str], bytes | None]
"""Bytes by their hash, None when they are not kept any more."""


class NotLabelled(Exception):
    """This end cannot be labelled; one line with the reason."""


class LabelledEnd(Struct, frozen=True):
    """One end: whose, what a person says of it, and everything the verifier had."""

    source: str
    """Session, trial and attempt; one end is labelled once."""
    good: bool
    who: str
    cell: str
    table_z_m: float
    robots: tuple[RobotState, ...]
    holder: int | None
    start: tuple[Keyframe, ...]
    """What the cameras saw when the reset was verified."""
    end: tuple[Keyframe, ...]
    """Of each camera the later look, then of each the earlier one."""


class Said(Struct, frozen=True):
    """One labelled end as the verifier judges it now."""

    source: str
    good: bool
    verifier: Outcome
    reason: str


def end_seen(verdict: Verdict) -> None:
    """Raises NotLabelled when the verdict holds too little to be made again."""
    if not verdict.robots:
        raise NotLabelled("it was recorded before sensors were kept with their verdict")
    if len(verdict.keyframes) < 2:
        raise NotLabelled(f"no pictures were taken of that end: {verdict.reason}")


@dataclass(frozen=True)
class LabelledEnds:
    """The folder beside a task's file where its labelled ends are kept."""

    folder: Path

    @classmethod
    def of(cls, task_file: Path) -> LabelledEnds:
        return cls(task_file.with_suffix(".ends"))

    def all(self) -> list[LabelledEnd]:
        """Oldest first. Raises NotLabelled when the list cannot be read."""
        path = self.folder / LIST
        if not path.exists():
            return []
        try:
            lines = path.read_bytes().splitlines()
            return [msgspec.json.decode(line, type=LabelledEnd) for line in lines]
        except (OSError, msgspec.DecodeError) as error:
            raise NotLabelled(f"{path}: cannot be read: {error}") from None

    def add(self, end: LabelledEnd, bytes_of: Bytes) -> None:
        """Keep an end and its pictures. Raises NotLabelled: it is there already, or pruned."""
        if any(kept.source == end.source for kept in self.all()):
            raise NotLabelled("it is labelled already; one end counts once")
        found = {}
        for blob in _blobs(end):
            data = bytes_of(blob.sha256)
            if data is None:
                raise NotLabelled("its pictures were pruned")
            found[blob.sha256] = data
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, data in found.items():
            (self.folder / name).write_bytes(data)
        with (self.folder / LIST).open("ab") as out:
            out.write(msgspec.json.encode(end) + b"\n")

    def bytes_of(self, name: str) -> bytes | None:
        """A kept picture, unless it is gone or was changed."""
        path = self.folder / name
        data = path.read_bytes() if path.is_file() else b""
        return data if sha256_hex(data) == name else None


def judge(task: TaskDef, end: LabelledEnd, bytes_of: Bytes) -> Said:
    """What the verifier of this task says of an end, from its pictures and sensors alone.

    Raises:
        NotLabelled: A picture is gone.
    """
    later = {k.camera: _picture(k, bytes_of) for k in end.end[: len(end.end) // 2]}
    earlier = {k.camera: _picture(k, bytes_of) for k in end.end[len(end.end) // 2 :]}
    if missing := [c for c in task.cameras if c not in later or c not in earlier]:
        raise NotLabelled(f"{end.source}: camera {missing[0]} took no picture")
    robot = end.robots[end.holder or 0]
    sensed = Sensed(
        robot.width_m,
        robot.xyz_m,
        end.table_z_m,
        robot.grip_force_N,
        tuple(r.width_m for r in end.robots),
    )
    marks = _marks(task, end, bytes_of)
    checks = checks_of(task, SeenEnd(earlier, later, sensed, end.holder is not None, marks))
    outcome, reason = fuse(checks)
    return Said(end.source, end.good, outcome, reason)


def table_of(said: list[Said]) -> Labelled:
    """The confusion table of a verifier against people."""
    good, bad = [s for s in said if s.good], [s for s in said if not s.good]
    passed = sum(s.verifier == "PASS" for s in good)
    failed = sum(s.verifier == "FAIL" for s in bad)
    return Labelled(
        good_pass=passed,
        good_other=len(good) - passed,
        bad_fail=failed,
        bad_other=len(bad) - failed,
        false_pass=sum(s.verifier == "PASS" for s in bad),
    )


def _marks(task: TaskDef, end: LabelledEnd, bytes_of: Bytes) -> Mapping[str, Marks]:
    marks: dict[str, dict[str, object]] = {}
    for frame in end.start:
        for r in task.goal:
            mark = RELATIONS[r.relation].mark
            if mark is not None:
                picture = _picture(frame, bytes_of)
                marks.setdefault(frame.camera, {}).update(mark(picture, task, r, end.table_z_m))
    return marks


def _blobs(end: LabelledEnd) -> list[Blob]:
    frames = (*end.start, *end.end)
    return [blob for k in frames for blob in (k.rgb, k.depth) if blob is not None]


def _picture(frame: Keyframe, bytes_of: Bytes) -> StillPicture:
    rgb = bytes_of(frame.rgb.sha256)
    depth = None if frame.depth is None else bytes_of(frame.depth.sha256)
    if rgb is None or (frame.depth is not None and depth is None):
        raise NotLabelled(f"a picture by {frame.camera} is gone or was changed")
    picture = decode_rgb_png(rgb)
    metres = np.zeros(picture.shape[:2], np.float32)
    if depth is not None:
        metres = decode_depth_png(depth).astype(np.float32) * np.float32(frame.depth_unit_m)
    K, T = np.asarray(frame.K, float), np.asarray(frame.T_base_cam, float)
    return StillPicture(frame.camera, picture, metres, K, T)
