"""Records while libfiu makes system calls fail; tells what was acknowledged and what refused."""

from __future__ import annotations

import random
import sys
from pathlib import Path

from aspire_tui.domain import Blob, sha256_hex
from aspire_tui.events import Note, ProgramStored
from aspire_tui.session.recorder import Recorder


def main(path: Path, appends: int, seed: int) -> None:
    rng = random.Random(seed)
    refused = 0
    recorder = None
    for n in range(appends):
        data = rng.randbytes(rng.choice([100, 5_000, 20_000]))
        name = sha256_hex(data)
        stored = ProgramStored(name, Blob(name, "image/png", len(data)), "rules")
        try:
            if recorder is None:
                options = {"ballast_bytes": 0, "most_wal_pages": 50}
                recorder = (Recorder.open if path.exists() else Recorder.create)(path, **options)
            seq = recorder.append([stored, Note(f"append {n}")], {name: ("image/png", data)})
        except Exception as error:  # a failing disk shows as many kinds of error
            refused += 1
            print(f"refused {type(error).__name__}: {error}", file=sys.stderr)
            continue
        sys.stdout.write(f"{seq} append {n}\n")
        sys.stdout.flush()
    print(f"refused {refused}")
    if recorder is not None:
        recorder.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
