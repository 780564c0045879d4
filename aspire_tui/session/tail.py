"""The end of a session as its writer holds it: last number, last hash, newest snapshot."""

from __future__ import annotations

from dataclasses import dataclass, replace

import apsw

from aspire_tui.events import AnyEvent, Recorded, encode
from aspire_tui.session import checkpoints
from aspire_tui.session.beside import Unsealed
from aspire_tui.session.chain import link
from aspire_tui.session.index import write_event
from aspire_tui.session.snapshot import Snapshot, fold


@dataclass
class Tail:
    """Where the next event goes. A transaction works on a copy, and keeps it when it is durable."""

    seq: int
    hash: bytes
    state: Snapshot
    unsealed: Unsealed
    wall_s: float = 0.0
    mono_s: float = 0.0

    def copy(self, wall_s: float, mono_s: float) -> Tail:
        """For one transaction, which has one time."""
        return replace(self, unsealed=self.unsealed.copy(), wall_s=wall_s, mono_s=mono_s)

    def add(self, db: apsw.Connection, event: AnyEvent, body: bytes) -> None:
        """One event: its row, its place in the chain, and what it changes."""
        self.seq += 1
        self.hash = link(self.hash, self.seq, self.wall_s, self.mono_s, body)
        recorded = Recorded(self.seq, self.wall_s, self.mono_s, event)
        write_event(db, recorded, body.decode(), self.hash)
        self.state = fold(self.state, recorded)
        if self.seq % checkpoints.EVERY == 0:
            checkpoints.store(db, self.state, self.hash)

    def seal(self, db: apsw.Connection) -> None:
        """Take into the chain what was written beside it; nothing when nothing was."""
        if self.unsealed:
            sealed = self.unsealed.seal()
            self.add(db, sealed, encode(sealed))
            self.unsealed = Unsealed(self.seq)
