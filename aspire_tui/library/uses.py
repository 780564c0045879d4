"""How skills did on each cell they were used on: counted per cell, never added across cells."""

from __future__ import annotations

from pathlib import Path

import msgspec

from aspire_tui.domain import Struct
from aspire_tui.errors import ConfigError
from aspire_tui.library.ledger import FOLDER


class Use(Struct, frozen=True):
    """Of one text of one skill on one cell: used ``n`` times, ``k`` of them in a trial that passed.

    ``broken`` counts trials that failed with one of the skill's own calls stopped by something.
    """

    skill: str
    digest: str
    cell: str
    k: int = 0
    n: int = 0
    broken: int = 0

    def __str__(self) -> str:
        return f"{self.k}/{self.n} on {self.cell}"


class Uses:
    """The counts of one folder of skills. One engine writes; anybody reads."""

    def __init__(self, skills: Path) -> None:
        self.path = skills / FOLDER / "uses.json"

    def all(self) -> tuple[Use, ...]:
        """Every count.

        Raises:
            ConfigError: The file is not what was written.
        """
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=tuple[Use, ...])
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise ConfigError(f"{self.path}: {error.strerror}") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ConfigError(f"{self.path}: {error}; remove it to count anew") from None

    def of(self, skill: str, digest: str) -> dict[str, Use]:
        """By cell, of this very text."""
        return {u.cell: u for u in self.all() if (u.skill, u.digest) == (skill, digest)}

    def add(self, skill: str, digest: str, cell: str, *, passed: bool, broke: bool) -> Use:
        """Count one use."""
        known = self.all()
        old = next(
            (u for u in known if (u.skill, u.digest, u.cell) == (skill, digest, cell)),
            Use(skill, digest, cell),
        )
        new = Use(skill, digest, cell, old.k + passed, old.n + 1, old.broken + broke)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_suffix(".new")
        body = msgspec.json.encode((*(u for u in known if u != old), new))
        beside.write_bytes(msgspec.json.format(body, indent=1))
        beside.replace(self.path)
        return new
