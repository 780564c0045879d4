"""How a skill folder changes: begin, edit, finish, verify, each a line of the ledger first.

One promotion is open at a time. What waits for admission lies in ``.quarantine/``, what was retired
in ``.retired/``; neither is loaded. A promotion that was begun and not finished is found by the
next command and has to be abandoned by name before another begins.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from aspire_tui.domain import JSON, Struct
from aspire_tui.errors import ConfigError, PolicyRefused
from aspire_tui.library.front_matter import checked_name
from aspire_tui.library.ledger import Act, Entry, Hashes, Ledger, hashes_of

QUARANTINE = ".quarantine"
RETIRED = ".retired"

Standing = Literal["quarantined", "admitted", "provisional", "retired", "superseded"]


class Change(Struct, frozen=True):
    """A skill file that is not what the ledger says."""

    path: str
    what: Literal["added", "altered", "removed"]


class Shelf:
    """The skills an operator keeps, and their ledger."""

    def __init__(self, skills: Path, who: str, clock: Callable[[], float]) -> None:
        self.skills = skills
        self.ledger = Ledger(skills, clock)
        self._who = who

    def quarantined(self, name: str) -> Path:
        """Where a skill waits. Raises ConfigError for what is no name of a skill."""
        return self.skills / QUARANTINE / checked_name(name)

    # -- looking ------------------------------------------------------------------------------

    def open_promotion(self) -> Entry | None:
        """The promotion that was begun and neither finished nor abandoned."""
        return open_promotion(self.ledger.entries())

    def standings(self) -> dict[str, Standing]:
        """What the ledger says of every skill it names."""
        return standings(self.ledger.entries())

    def changes(self) -> tuple[Change, ...]:
        """Skill files that changed since the last line without one of their own."""
        entries = self.ledger.entries()
        if not entries or open_promotion(entries) is not None:
            return ()
        return difference(entries[-1].files, hashes_of(self.skills))

    # -- changing -----------------------------------------------------------------------------

    def add(self, folder: Path, name: str, origin: str) -> Path:
        """Take a checked skill folder into quarantine, untrusted."""
        with self.ledger.writing():
            self._refuse_changed()
            place = self.quarantined(name)
            _put(folder, place)
            self._line("add", name, details={"origin": origin, "quarantined": hashes_of_one(place)})
        return place

    def discard(self, name: str, reason: str) -> Entry:
        """Take what waits in quarantine away again, with a line that says so.

        Raises:
            ConfigError: Nothing by that name waits.
        """
        with self.ledger.writing():
            self._refuse_open()
            if not name or not self.quarantined(name).is_dir():
                raise ConfigError(f"{name or 'nothing'} does not wait for admission")
            shutil.rmtree(self.quarantined(name))
            return self._line("abandon", name, reason)

    def begin(self, name: str) -> Entry:
        """Open a promotion of a skill that waits in quarantine.

        Raises:
            PolicyRefused: Another promotion is open, or files changed behind the ledger's back.
            ConfigError: Nothing by that name waits.
        """
        with self.ledger.writing():
            self._refuse_open()
            if not self.quarantined(name).is_dir():
                raise ConfigError(f"{name} does not wait for admission; skills add brings it there")
            self._refuse_changed()
            return self._line("begin", name)

    def edit(self, name: str, note: str, details: Mapping[str, JSON]) -> Entry:
        """Put the quarantined files in their place. ``details`` say what the gate found."""
        with self.ledger.writing():
            self._require_open(name)
            _put(self.quarantined(name), self.skills / name)
            return self._line("edit", name, note, dict(details))

    def finish(
        self, name: str, standing: Standing, supersedes: tuple[str, ...] = (), note: str = ""
    ) -> Entry:
        """Close a promotion and clear its place in quarantine. A no-op needs a reason."""
        with self.ledger.writing():
            begun = self._require_open(name)
            if begun.files == hashes_of(self.skills) and not note:
                raise ConfigError(f"promoting {name} changed no file; say why with a note")
            done = self._line("finish", name, note, {"standing": standing})
            shutil.rmtree(self.quarantined(name), ignore_errors=True)
            for old in supersedes:
                self._line("supersede", old, f"by {name}")
            return done

    def verify(
        self,
        name: str,
        holds: bool,
        note: str,
        details: Mapping[str, JSON],
        *,
        accept: bool = False,
    ) -> Entry:
        """Record what proving a skill anew found. With ``accept``, changed files are taken in."""
        with self.ledger.writing():
            if not accept:
                self._refuse_changed()
            return self._line("verify", name, note, {"holds": holds, **details})

    def abandon(self, name: str, reason: str) -> Entry:
        """Give up an open promotion; files it had put in place go back to what was there."""
        with self.ledger.writing():
            begun = self._require_open(name)
            if difference(begun.files, hashes_of(self.skills)):
                shutil.rmtree(self.skills / name, ignore_errors=True)
                kept = self.skills / RETIRED / name
                if kept.is_dir() and any(p.startswith(f"{name}/") for p in begun.files):
                    kept.rename(self.skills / name)
            return self._line("abandon", name, reason)

    def retire(self, name: str, reason: str) -> Entry:
        """Take a skill out of use; its files stay, where nothing loads them.

        One that ships is read-only: the ledger alone hides it.
        """
        checked_name(name)
        if not reason.strip():
            raise ConfigError("a skill is retired with a reason")
        with self.ledger.writing():
            self._refuse_open()
            self._refuse_changed()
            if (self.skills / name).is_dir():
                _move(self.skills / name, self.skills / RETIRED / name)
            return self._line("retire", name, reason)

    # -- plumbing -----------------------------------------------------------------------------

    def _line(
        self, act: Act, name: str, note: str = "", details: dict[str, JSON] | None = None
    ) -> Entry:
        return self.ledger.append(act, name, self._who, hashes_of(self.skills), note, details)

    def _refuse_open(self) -> None:
        begun = self.open_promotion()
        if begun is not None:
            raise PolicyRefused(
                f"a promotion of {begun.skill} by {begun.who} is open (line {begun.n}); finish it, "
                f"or end it with: aspire-tui skills retire {begun.skill} --abandon --reason WHY"
            )

    def _refuse_changed(self) -> None:
        changes = self.changes()
        if changes:
            first = changes[0]
            raise PolicyRefused(
                f"{self.skills / first.path} was {first.what} without the ledger ({len(changes)} "
                "files); take it in as it is with: aspire-tui skills verify --accept"
            )

    def _require_open(self, name: str) -> Entry:
        begun = self.open_promotion()
        if begun is None or begun.skill != name:
            raise PolicyRefused(f"no promotion of {name} is open")
        return begun


def open_promotion(entries: tuple[Entry, ...]) -> Entry | None:
    """The last begin without finish or abandon. Pure."""
    begun: Entry | None = None
    for entry in entries:
        if entry.act == "begin":
            begun = entry
        elif entry.act in ("finish", "abandon"):
            begun = None
    return begun


def standings(entries: tuple[Entry, ...]) -> dict[str, Standing]:
    """What became of every skill the ledger names. Pure."""
    found: dict[str, Standing] = {}
    for entry in entries:
        match entry.act:
            case "add" if entry.skill not in found:
                found[entry.skill] = "quarantined"
            case "finish":
                found[entry.skill] = entry.details["standing"]
            case "retire":
                found[entry.skill] = "retired"
            case "supersede":
                found[entry.skill] = "superseded"
    return found


def hidden_by(entries: tuple[Entry, ...]) -> frozenset[str]:
    """Skills that are not to be used any more, wherever their files are. Pure."""
    return frozenset(n for n, s in standings(entries).items() if s in ("retired", "superseded"))


def difference(before: Hashes, now: Hashes) -> tuple[Change, ...]:
    """Files that are not what they were, by path. Pure."""
    out = []
    for path in sorted(before.keys() | now.keys()):
        if path not in now:
            out.append(Change(path, "removed"))
        elif path not in before:
            out.append(Change(path, "added"))
        elif before[path] != now[path]:
            out.append(Change(path, "altered"))
    return tuple(out)


def hashes_of_one(folder: Path) -> Hashes:
    """The files of one skill folder, by path in it."""
    name = folder.name
    all_here = hashes_of(folder.parent)
    return {p.removeprefix(f"{name}/"): h for p, h in all_here.items() if p.startswith(f"{name}/")}


def _put(source: Path, place: Path) -> None:
    """Copy a folder to its place; what stood there is kept among the retired until replaced."""
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.with_name(f".{place.name}.new")
    shutil.rmtree(beside, ignore_errors=True)
    shutil.copytree(source, beside)
    for path in sorted(beside.rglob("*")):
        if path.is_file():
            fd = os.open(path, os.O_RDONLY)
            os.fsync(fd)
            os.close(fd)
    if place.is_dir() and place.parent.name != QUARANTINE:
        _move(place, place.parent / RETIRED / place.name)
    shutil.rmtree(place, ignore_errors=True)
    beside.rename(place)


def _move(place: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(to, ignore_errors=True)
    place.rename(to)
