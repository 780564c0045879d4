"""A writer that acknowledges every durable append on stdout, until somebody kills it."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

from aspire_tui.domain import Blob, sha256_hex
from aspire_tui.events import Note, ProgramStored, VideoFrame
from aspire_tui.session.recorder import Recorder


def main(path: Path, seed: int) -> None:
    rng = random.Random(seed)
    options = {"ballast_bytes": 0, "most_wal_pages": 50}
    recorder = Recorder.open(path, **options) if path.exists() else Recorder.create(path, **options)
    while True:
        data = rng.randbytes(rng.choice([10, 3000, 30000]))
        name = sha256_hex(data)
        picture = ProgramStored(name, Blob(name, "image/png", len(data)), "rules")
        events = [picture] + [Note(f"{rng.random()}")] * rng.randint(0, 3)
        recorder.append(video=[VideoFrame(1, "scene", rng.random(), data[:50])])
        seq = recorder.append(events, {name: ("image/png", data)})
        os.write(1, seq.to_bytes(8, "big"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
