"""Older files, newer files, and a release that knows less than the one that wrote."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest
from story import BLOBS, opening, story

from aspire_tui.domain import Blob, sha256_hex
from aspire_tui.events import Attached, Note
from aspire_tui.session import index, schema, stored
from aspire_tui.session.errors import SessionFileError
from aspire_tui.session.pack import pack
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.recorder import Recorder
from aspire_tui.session.salvage import salvage

SHIPPED = Path(__file__).parents[2] / "sessions" / "lift-held.db"
TEXT = b"name = 'yam'"
SHA = sha256_hex(TEXT)
CELL_FILE = Attached("cell_file", "yam.toml", Blob(SHA, "text/x-toml", len(TEXT)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "s.db"
    with Recorder.create(path, ballast_bytes=0) as recorder:
        recorder.append(list(story(5, 30)), BLOBS)
        recorder.append([CELL_FILE], {SHA: ("text/x-toml", TEXT)})
    return path


def edit(path: Path, *statements: str) -> None:
    db = apsw.Connection(str(path))
    for sql in statements:
        db.execute(sql)
    db.close()


def layout(db: apsw.Connection) -> set[tuple[object, ...]]:
    return set(db.execute("SELECT type, name, sql FROM sqlite_master"))


def test_a_file_of_the_first_release_is_read_whole_and_unchanged() -> None:
    before = SHIPPED.read_bytes()
    with SessionReader(SHIPPED) as reader:
        assert schema.version(reader._db) == (1, 0)
        assert reader.verify() == []
        assert reader.attachments() == []
        assert reader.calls(1)
    assert SHIPPED.read_bytes() == before


def test_going_on_with_an_older_file_brings_it_forward(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    path.write_bytes(SHIPPED.read_bytes())
    with Recorder.open(path, ballast_bytes=0, release="0.2") as recorder:
        recorder.append([CELL_FILE], {SHA: ("text/x-toml", TEXT)})
    with SessionReader(path) as reader:
        assert schema.version(reader._db) == (schema.SCHEMA_MAJOR, schema.SCHEMA_MINOR)
        assert [(a.role, a.name) for a in reader.attachments()] == [("cell_file", "yam.toml")]
        assert reader.verify() == []
    new = apsw.Connection(":memory:")
    schema.create(new, "s", 0.0, "")
    old = apsw.Connection(str(path))
    assert layout(old) == layout(new), "a file brought forward is laid out as a new one"
    old.close()


def older_release(monkeypatch: pytest.MonkeyPatch) -> None:
    """This code as it was before attachments: neither the event nor the table is known."""
    monkeypatch.setattr(schema, "SCHEMA_MINOR", 0)
    monkeypatch.setattr(stored, "KINDS", stored.KINDS - {"attached"})
    monkeypatch.setattr(schema, "NOUNS", tuple(t for t in schema.NOUNS if t != "attachments"))
    monkeypatch.setattr(schema, "has_attachments", lambda db: False)
    monkeypatch.delitem(index._ROWS, Attached)


def test_an_older_release_reads_what_this_one_writes(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SessionReader(path) as reader:
        known = reader.events()[:-1]
        snapshot = reader.snapshot(known[-1].seq)
    older_release(monkeypatch)
    with SessionReader(path) as reader:
        assert reader.events()[:-1] == known
        assert reader.snapshot(known[-1].seq) == snapshot
        unknown = reader.events()[-1].event
        assert isinstance(unknown, Note) and unknown.code == stored.UNKNOWN
        assert "attached" in unknown.text
        assert reader.verify() == []
        assert reader.search("yam.toml").seqs == (reader.last_seq(),)


def test_an_older_release_does_not_write_into_a_newer_file(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older_release(monkeypatch)
    before = path.read_bytes()
    with pytest.raises(SessionFileError, match=r"newer release \(schema 1.1\).*upgrade aspire-tui"):
        Recorder.open(path)
    with pytest.raises(SessionFileError, match="newer release"):
        pack(path, tmp_path / "packed.db")
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["s.db"]


def test_an_incompatible_file_is_refused_with_the_way_to_salvage_it(
    path: Path, tmp_path: Path
) -> None:
    edit(path, "UPDATE meta SET value='2' WHERE key='schema_major'")
    with pytest.raises(SessionFileError, match=r"schema 2\.1.*upgrade.*sessions salvage"):
        SessionReader(path)
    assert salvage(path, tmp_path / "new.db").lost == ()
    with SessionReader(tmp_path / "new.db") as reader:
        assert reader.blob(SHA) == TEXT


def test_what_a_newer_release_added_survives_salvage_and_pack(path: Path, tmp_path: Path) -> None:
    """Fields and kinds this release has no name for are carried on as they stand."""
    with Recorder.open(path, ballast_bytes=0) as recorder:
        seq = recorder.append([Note("plain")])
    body = '{"kind":"note","text":"plain","mood":"sunny"}'
    edit(path, f"UPDATE events SET body='{body}' WHERE seq={seq}")
    edit(
        path,
        f"INSERT INTO events VALUES ({seq + 1},1e9,1e9,'mood',1,NULL,'{{\"kind\":\"mood\"}}',x'')",
    )
    salvage(path, tmp_path / "new.db")
    db = apsw.Connection(str(tmp_path / "new.db"))
    kept = dict(db.execute("SELECT seq, body FROM events WHERE seq>=?", (seq,)))
    assert kept[seq] == body and kept[seq + 1] == '{"kind":"mood"}'
    db.close()


def test_attachments_are_whole_or_a_problem(path: Path, tmp_path: Path) -> None:
    with SessionReader(path) as reader:
        (row,) = reader.attachments("cell_file")
        assert reader.blob(row.blob) == TEXT
        assert reader.attachments("task") == []
        assert reader.attachments(upto_seq=row.seq - 1) == []
    pack(path, tmp_path / "packed.db", pictures=False, video=False)
    with SessionReader(tmp_path / "packed.db") as reader:
        assert reader.blob(SHA) == TEXT, "what explains the results is never left out"
        assert reader.left_out() == ("pictures", "video")
        assert reader.verify() == []
        trials = [t.trial for t in reader.trials()]
        pictures = [k.keyframe.rgb.sha256 for t in trials for k in reader.keyframes(t)]
        assert pictures and all(reader.blob(sha) is None for sha in pictures)
    edit(path, f"DELETE FROM blobs WHERE sha256='{SHA}'")
    with SessionReader(path) as reader:
        assert any("is missing" in p.what for p in reader.verify())


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE trials SET outcome='PASS' WHERE outcome='FAIL'",
        "UPDATE calls SET status='OK' WHERE status<>'OK'",
        "UPDATE scores SET k=k+1",
        "DELETE FROM verdicts WHERE seq=(SELECT min(seq) FROM verdicts)",
        "INSERT INTO decisions VALUES (999999, 1, 'kept', 'mine')",
        "UPDATE programs SET author='ann'",
        "UPDATE attachments SET name='other.toml'",
        "UPDATE blobs SET data=x'00', redacted=1 WHERE media='text/x-python'",
    ],
)
def test_an_edit_beside_the_events_shows(path: Path, sql: str) -> None:
    edit(path, sql)
    with SessionReader(path) as reader:
        assert reader.verify() != []


def test_a_search_goes_both_ways_and_says_how_far_it_came(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with Recorder.create(path, ballast_bytes=0) as recorder:
        recorder.append([opening()])
        recorder.append([Note("100 % Sure" if n % 50 == 0 else f"x {n}") for n in range(200)])
    with SessionReader(path) as reader:
        assert reader.search("100 % sure").seqs == (2, 52, 102, 152)
        assert reader.search("100 % sure", 100, forward=False).seqs == (52, 2)
        some = reader.search("100 % sure", limit=2)
        assert some.seqs == (2, 52) and some.goes_on_from == 52
        rest = reader.search("100 % sure", some.goes_on_from, limit=9)
        assert rest.seqs == (102, 152) and rest.goes_on_from is None
        assert reader.search("100 _ sure").seqs == ()
