from __future__ import annotations

from collections.abc import Iterator

import pytest
from recorded import whole_session

from aspire_tui.session.reader import SessionReader
from aspire_tui.tui.at import NoSuchMoment, moment_at


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SessionReader]:
    with SessionReader(whole_session(tmp_path_factory.mktemp("at") / "s.db")) as reader:
        yield reader


def test_moments_as_people_write_them(reader: SessionReader) -> None:
    assert moment_at(reader, "") is None and moment_at(reader, "end") is None
    assert moment_at(reader, "start") == 1
    assert moment_at(reader, "event 31") == 31
    assert moment_at(reader, "1.7") == 31
    failed = reader.event(31)
    assert failed is not None
    assert moment_at(reader, f"+{failed.mono_s}") == 31
    first = reader.event(1)
    assert first is not None
    seconds = int(failed.wall_s)
    import time

    at = time.strftime("%H:%M:%S", time.localtime(seconds))
    seq = moment_at(reader, at)
    assert seq is not None
    found = reader.event(seq)
    assert found is not None and seconds <= found.wall_s < seconds + 1
    trial = reader.trial(2)
    assert trial is not None and moment_at(reader, "trial 2") == trial.closed_seq


@pytest.mark.parametrize(
    ("text", "why"),
    [("noon", "not a moment"), ("99.1", "no trial 99"), ("1.99", "has 7 calls"),
     ("event 9999", "events 1 to")],
)  # fmt: skip
def test_a_moment_that_is_none_says_how_to_write_one(
    reader: SessionReader, text: str, why: str
) -> None:
    with pytest.raises(NoSuchMoment, match=why):
        moment_at(reader, text)
