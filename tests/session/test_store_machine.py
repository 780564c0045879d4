"""Whatever is done to a session in whatever order, it holds what was acknowledged and no more."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from story import opening

from aspire_tui.domain import Blob, sha256_hex
from aspire_tui.events import AnyEvent, BesideSealed, Note, ProgramStored, VideoFrame
from aspire_tui.session.keeping import being_recorded
from aspire_tui.session.pack import pack
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.recorder import Recorder
from aspire_tui.session.salvage import salvage
from aspire_tui.session.snapshot import EMPTY, fold_all
from aspire_tui.session.utilisation import REOPENED


class StoreMachine(RuleBasedStateMachine):
    """Beside the file a plain list of what was acknowledged."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory(prefix="store-")
        self.path = Path(self._folder.name) / "s.db"
        self.recorder: Recorder | None = None
        self.told: list[AnyEvent] = []
        self.texts: dict[str, bytes] = {}
        self.copies = 0

    @initialize()
    def begin(self) -> None:
        self.recorder = Recorder.create(self.path, ballast_bytes=4096, most_wal_pages=6)
        self.recorder.append([opening()])
        self.told = [opening()]
        self.follower = SessionReader(self.path)

    @precondition(lambda self: self.recorder is not None)
    @rule(texts=st.lists(st.text(max_size=40).filter(str.isprintable), min_size=1, max_size=5))
    def append(self, texts: list[str]) -> None:
        events = [Note(text) for text in texts]
        assert self.recorder is not None
        before = self._in_file()
        assert self.recorder.append(events) == before + len(events)
        self.told += events

    @precondition(lambda self: self.recorder is not None)
    @rule(data=st.binary(min_size=1, max_size=20_000))
    def append_bulky(self, data: bytes) -> None:
        name = sha256_hex(data)
        event = ProgramStored(name, Blob(name, "image/png", len(data)), "rules")
        assert self.recorder is not None
        self.recorder.append(video=[VideoFrame(1, "scene", 0.1, data[:9])])
        self.recorder.append([event], {name: ("image/png", data)})
        self.told.append(event)
        self.texts[name] = data

    @precondition(lambda self: self.recorder is not None)
    @rule()
    def close(self) -> None:
        assert self.recorder is not None
        self.recorder.close()
        self.recorder = None

    @precondition(lambda self: self.recorder is not None)
    @rule()
    def die(self) -> None:
        """As a killed process leaves it: nothing sealed, the lock gone."""
        assert self.recorder is not None
        self.recorder._stop()
        self.recorder._store.abandon()
        os.close(self.recorder._ballast._fd)
        self.recorder = None

    @precondition(lambda self: self.recorder is None)
    @rule()
    def go_on(self) -> None:
        self.recorder = Recorder.open(self.path, ballast_bytes=4096, most_wal_pages=6)
        note = Note("the recording was taken up again", "warn", REOPENED)
        self.told.append(note)

    @rule(pictures=st.booleans(), video=st.booleans())
    def pack(self, pictures: bool, video: bool) -> None:
        self.copies += 1
        into = self.path.with_name(f"pack{self.copies}.db")
        assert pack(self.path, into, pictures=pictures, video=video).events == self._in_file()
        self._holds_everything(into)

    @rule()
    def salvage(self) -> None:
        self.copies += 1
        into = self.path.with_name(f"saved{self.copies}.db")
        assert salvage(self.path, into).events == self._in_file()

    @rule(at=st.integers(0, 200))
    def look_back(self, at: int) -> None:
        upto = min(at, self._in_file())
        with SessionReader(self.path) as reader:
            events = reader.events(upto_seq=upto)
            assert reader.snapshot(upto) == fold_all(EMPTY, events)

    @rule()
    def follow(self) -> None:
        """A screen that was open all the while sees the same as one that opens now."""
        with SessionReader(self.path) as fresh:
            assert self.follower.snapshot() == fresh.snapshot()

    def _in_file(self) -> int:
        """Events so far: what was told, and the seals that the recorder adds by itself."""
        with SessionReader(self.path) as reader:
            return reader.last_seq()

    @invariant()
    def everything_told_is_there(self) -> None:
        if self.told:
            self._holds_everything(self.path)
            assert being_recorded(self.path) == (self.recorder is not None)

    def _holds_everything(self, path: Path) -> None:
        with SessionReader(path) as reader:
            told = [e.event for e in reader.events() if not isinstance(e.event, BesideSealed)]
            assert told == self.told
            assert reader.verify() == []
            for name, data in self.texts.items():
                assert reader.blob(name) == data

    def teardown(self) -> None:
        if self.recorder is not None:
            self.recorder.close()
        if self.told:
            self.follower.close()
        self._folder.cleanup()


StoreMachine.TestCase.settings = settings(
    max_examples=20, stateful_step_count=15, deadline=None, derandomize=True
)
TestStoreMachine = StoreMachine.TestCase
