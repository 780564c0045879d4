"""What a pack carries, each thing by itself: enough to look a result up without any checkout."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from aspire_tui.domain import Budget
from aspire_tui.engine.book import Book
from aspire_tui.engine.hashes import JUDGING
from aspire_tui.engine.provenance import attach, of_session, of_skill
from aspire_tui.environment.task_file import find_task
from aspire_tui.events import Note, Samples, SessionOpened, VideoFrame
from aspire_tui.library.load import load_library
from aspire_tui.session.pack import pack
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.recorder import Recorder
from drivers.cellfile import load_cell

sys.path.insert(0, str(Path(__file__).parents[1] / "session"))

from story import BLOBS, story

CHECKOUT = Path(__file__).parents[2]
CELL = CHECKOUT / "drivers" / "cells" / "so101-emulated.toml"
SKILL = load_library((CHECKOUT / "skills",)).get("regrasp-after-slip")


@pytest.fixture(scope="module", params=["live", "live without images and video", "closed"])
def packed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pack")
    recorder = Recorder.create(folder / "s.db", ballast_bytes=0)
    asyncio.run(_record(Book(recorder, Budget())))
    out = folder / "packed.db"
    if request.param == "closed":
        recorder.close()
    kept = "without" not in request.param
    pack(folder / "s.db", out, video=kept, pictures=kept)
    recorder.close()
    for left in folder.glob("s.db*"):
        left.unlink()  # the pack stands alone
    return out


async def _record(book: Book) -> None:
    await book.write(*story(3, trials=3), blobs=BLOBS)
    info = load_cell(CELL).info
    await attach(book, of_session(CELL, info, [find_task("cube_lift")]))
    await attach(book, of_skill(SKILL))
    rows = [Samples(1, 0, "arm", 0.0, 1.0, 1, ("t_s",), b"\0" * 4)]
    await book.write(samples=rows, video=[VideoFrame(1, "scene", 0.1, b"jpeg")])
    await book.write(Note("so that the film is on the disk"))


def kept(path: Path, role: str) -> dict[str, bytes | None]:
    with SessionReader(path) as reader:
        assert reader.verify() == []
        return {row.name: reader.blob(row.blob) for row in reader.attachments(role)}


def test_cell_file_and_calibration(packed: Path) -> None:
    assert kept(packed, "cell_file") == {CELL.name: CELL.read_bytes()}
    calibration = kept(packed, "calibration")
    offsets = CELL.with_name("so101-emulated.json")
    assert calibration[offsets.name] == offsets.read_bytes(), "what the drives were calibrated to"
    assert b'"fovy_deg"' in (calibration["so101-emulated"] or b""), "and the cameras"


def test_task_and_verifier_source(packed: Path) -> None:
    assert b'"red cube"' in (kept(packed, "task")["cube_lift"] or b"")
    for role, modules in JUDGING.items():
        sources = kept(packed, role)
        for module in modules:
            assert sources[f"{module.__name__}.py"] == Path(str(module.__file__)).read_bytes()
    assert any(m.__name__.endswith(".verify") for m in JUDGING["verifier"])


def test_skills_used_file_by_file(packed: Path) -> None:
    folder = Path(SKILL.folder)
    wanted = {p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    assert kept(packed, "skill") == {
        f"{SKILL.name}/{p.relative_to(folder)}": p.read_bytes() for p in wanted
    }


def test_versions(packed: Path) -> None:
    assert b"numpy==" in (kept(packed, "versions")["packages.txt"] or b"")
    with SessionReader(packed) as reader:
        first = reader.events(limit=1)[0].event
    assert isinstance(first, SessionOpened) and first.versions


def test_images_and_video_are_there_or_named_as_left_out(
    packed: Path, request: pytest.FixtureRequest
) -> None:
    with SessionReader(packed) as reader:
        absent = reader.left_out()
        frame = reader.video_frame(1, "scene", 9.0)
        assert (frame is None) == ("video" in absent) == ("without" in request.node.name)
        assert len(reader.samples(1, 0.0, 1.0)) == 1
