"""A file that cannot be read is named, with what is wrong and the way out; edits show."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest
from story import BLOBS, story

from aspire_tui.events import Note, OperatorAct
from aspire_tui.session import database, schema
from aspire_tui.session.errors import SessionFileError
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.recorder import Recorder


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "s.db"
    with Recorder.create(path, ballast_bytes=0) as recorder:
        recorder.append(list(story(5, 30)), BLOBS)
    return path


def edit(path: Path, sql: str) -> None:
    db = apsw.Connection(str(path))
    db.execute(sql)
    db.close()


def one_line(error: pytest.ExceptionInfo[SessionFileError], path: Path) -> str:
    text = str(error.value)
    assert "\n" not in text and text.startswith(str(path))
    return text


def test_what_is_no_session_is_refused(tmp_path: Path) -> None:
    missing = tmp_path / "missing.db"
    with pytest.raises(SessionFileError) as error:
        SessionReader(missing)
    assert "there is no such file" in one_line(error, missing)
    for name, content in (("text.db", b"hello" * 100), ("empty.db", b"")):
        other = tmp_path / name
        other.write_bytes(content)
        with pytest.raises(SessionFileError) as error:
            SessionReader(other)
        assert "is not a session file" in one_line(error, other)
    foreign = tmp_path / "foreign.db"
    edit(foreign, "CREATE TABLE events(seq)")
    with pytest.raises(SessionFileError, match="is not a session file"):
        SessionReader(foreign)


def test_a_newer_session_is_refused_by_name(path: Path) -> None:
    edit(path, "UPDATE meta SET value='2' WHERE key='schema_major'")
    for opening in (SessionReader, Recorder.open):
        with pytest.raises(SessionFileError) as error:
            opening(path)
        text = one_line(error, path)
        assert "newer release (schema 2.1, this one reads 1.x)" in text
        assert "upgrade aspire-tui" in text


def test_an_additive_newer_session_is_read(path: Path) -> None:
    edit(path, "UPDATE meta SET value='7' WHERE key='schema_minor'")
    edit(path, "ALTER TABLE calls ADD COLUMN mood TEXT")
    edit(
        path,
        "INSERT INTO events VALUES (1000000,1e9,1e9,'mood',NULL,NULL,'{\"kind\":\"mood\"}',x'')",
    )
    with SessionReader(path) as reader:
        assert reader.calls(reader.trials()[0].trial) is not None
        newest = reader.event(1_000_000)
        assert newest is not None and isinstance(newest.event, Note)
        assert newest.event.code == "unknown_kind"
        assert reader.snapshot().seq == 1_000_000


def test_a_truncated_session_is_damaged_not_a_traceback(path: Path) -> None:
    whole = path.read_bytes()
    outcomes = set()
    for part in range(1, 20):
        path.write_bytes(whole[: len(whole) * part // 20])
        try:
            with SessionReader(path) as reader:
                assert reader.verify() != []
                reader.events()
                for trial in reader.trials():
                    reader.calls(trial.trial)
                reader.snapshot()
        except SessionFileError as error:
            outcomes.add("salvage" in str(error))
    assert outcomes == {True}


@pytest.mark.parametrize("flip", [0x01, 0x08, 0xFF])
def test_flipped_bytes_never_end_in_a_traceback(path: Path, flip: int) -> None:
    whole = path.read_bytes()
    for at in range(0, len(whole), len(whole) // 90):
        damaged = bytearray(whole)
        damaged[at : at + 64] = bytes(byte ^ flip for byte in damaged[at : at + 64])
        path.write_bytes(damaged)
        try:
            with SessionReader(path) as reader:
                reader.verify()
                reader.events()
                for trial in reader.trials():
                    reader.calls(trial.trial)
                    reader.keyframes(trial.trial)
                reader.hypotheses()
                reader.agent_lines()
                reader.snapshot()
        except SessionFileError as error:
            assert "\n" not in str(error)


def test_an_unedited_session_verifies(path: Path) -> None:
    with SessionReader(path) as reader:
        assert reader.verify() == []


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE events SET body=replace(body,'FAIL','PASS') WHERE kind='verdict'",
         "does not follow"),
        ("UPDATE events SET wall_s=wall_s+1 WHERE seq=30", "event 30 does not follow"),
        ("UPDATE events SET seq=999999 WHERE seq=20", "events 20 to 20 are missing"),
        ("DELETE FROM events WHERE seq BETWEEN 20 AND 24", "events 20 to 24 are missing"),
        ("DELETE FROM events WHERE seq=(SELECT max(seq) FROM events)", "are missing at the end"),
        ("UPDATE blobs SET data=x'00' WHERE media='image/png'", "is not what its name says"),
        ("DELETE FROM blobs WHERE media='image/png'", "is missing"),
    ],
)  # fmt: skip
def test_an_edit_shows(path: Path, sql: str, said: str) -> None:
    edit(path, sql)
    with SessionReader(path) as reader:
        assert any(said in problem.what for problem in reader.verify())


def test_an_older_session_is_migrated_forward_and_says_when(path: Path) -> None:
    step = schema.Migration(1, 9, "CREATE TABLE moods(mood TEXT)")
    db = database.connect(path, write=True)
    with db:
        schema.migrate(db, 5.0, "0.2", (step,))
        schema.migrate(db, 6.0, "0.2", (step,))
    assert schema.version(db) == (1, 9)
    assert list(db.execute("SELECT major, minor, wall_s, release FROM migrations"))[1:] == [
        (1, 9, 5.0, "0.2")
    ]
    db.close()


def test_a_recorder_does_not_go_on_over_an_edit_at_the_end(path: Path) -> None:
    edit(
        path, "UPDATE events SET body=replace(body,'0','1') WHERE seq=(SELECT max(seq) FROM events)"
    )
    with pytest.raises(SessionFileError, match="the last event was edited"):
        Recorder.open(path)
    assert not path.with_name("s.db.ballast").exists()


def test_the_arguments_of_an_act_are_kept(tmp_path: Path) -> None:
    act = OperatorAct("7", "skip", "ann", "operator", True, args={"call": 3, "to": [0.1, None]})
    with Recorder.create(tmp_path / "s.db", ballast_bytes=0) as recorder:
        recorder.append([act])
    with SessionReader(tmp_path / "s.db") as reader:
        assert reader.events()[0].event == act
