"""A session says by what it was judged, and checks that it was that to the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from aspire_tui.domain import Blob, Budget, RunSpec, SandboxReport, sha256_hex
from aspire_tui.events import AnyEvent, Attached, SessionOpened, SessionResumed
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.recorder import Recorder

SPEC = RunSpec("run", ("t",), "yam", "rules", 1, True, Budget())
PARTS = (b"def verify(): ...\n", b"RELATIONS = {}\n")


def session(path: Path, hashed: str, resumed: str | None = None) -> Path:
    opened = SessionOpened(SPEC, SandboxReport("A", "Linux", (), ()), {}, {}, {"verifier": hashed})
    names = [sha256_hex(p) for p in PARTS]
    attached: list[AnyEvent] = [
        Attached("verifier", f"{i}.py", Blob(n, "text/x-python", len(p)))
        for i, (n, p) in enumerate(zip(names, PARTS, strict=True))
    ]
    with Recorder.create(path, ballast_bytes=0) as recorder:
        recorder.append([opened])
        recorder.append(
            attached, {n: ("text/x-python", p) for n, p in zip(names, PARTS, strict=True)}
        )
        if resumed is not None:
            recorder.append([SessionResumed("anna", {}, {"verifier": resumed, "new part": "x"})])
    return path


@pytest.mark.parametrize(
    ("hashed", "resumed", "said"),
    [
        (sha256_hex(b"".join(PARTS)), None, ""),
        (sha256_hex(b"".join(PARTS)), sha256_hex(b"".join(PARTS)), ""),
        ("0" * 64, None, "kept text of verifier"),
        (sha256_hex(b"".join(PARTS)), "0" * 64, "under another verifier"),
    ],
)
def test_the_hashes_are_checked_and_not_only_written(
    tmp_path: Path, hashed: str, resumed: str | None, said: str
) -> None:
    with SessionReader(session(tmp_path / "s.db", hashed, resumed)) as reader:
        problems = " ".join(str(p) for p in reader.verify())
    assert said in problems and bool(said) == bool(problems)
