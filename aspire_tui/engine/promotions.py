"""The operator's promotion: a draft to edit, then the same gate that everybody goes through."""

from __future__ import annotations

import asyncio
import datetime
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from aspire_tui.domain import JSON
from aspire_tui.engine.protocol import Command, Reply
from aspire_tui.errors import ConfigError, PolicyRefused
from aspire_tui.events import HypothesisDecided, SkillDrafted, SkillRuled
from aspire_tui.evolution.admission import Ruling
from aspire_tui.evolution.drafting import Draft, draft_from
from aspire_tui.evolution.evidence import digests_used
from aspire_tui.evolution.gate import (
    evidence_sessions,
    keep_draft,
    primitives_here,
    promote,
    ruling_of,
)
from aspire_tui.library.load import load_library, load_skill
from aspire_tui.library.promotion import Shelf
from aspire_tui.library.skill import Skill
from aspire_tui.session.reader import SessionReader
from aspire_tui.skill_events import SkillStanding

if TYPE_CHECKING:
    from aspire_tui.engine.engine import Engine


class _Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``draft`` a hypothesis, ``check`` or ``confirm`` a draft by name, or ``abandon`` it."""

    step: Literal["draft", "check", "confirm", "abandon"]
    hypothesis: int = 0
    skill: str = ""
    note: str = ""
    evidence: tuple[str, ...] = ()
    """Further recordings, as files."""


class Promotions:
    """One at a time: whoever comes second is told by whom the first is under way."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._by = ""
        """Who is promoting now; empty when nobody is."""
        self._going: asyncio.Task[None] | None = None

    async def act(self, c: Command) -> Reply:
        """Draft, check, confirm or abandon; what was found is an event with the command's id."""
        try:
            asked = msgspec.convert(c.args, _Asked)
        except msgspec.ValidationError as error:
            return Reply(c.id, False, f"promote: {error}")
        if not self._engine.job.shelf:
            return Reply(c.id, False, "this engine was started without a folder for skills")
        if self._by:
            return Reply(c.id, False, f"a promotion by {self._by} is under way; try again after it")
        self._by = c.who
        try:
            match asked.step:
                case "draft":
                    return await self._draft(c, asked)
                case "check":
                    return await self._check(c, asked)
                case "confirm":
                    return await self._confirm(c, asked)
                case "abandon":
                    return await self._abandon(c, asked)
        except (ConfigError, PolicyRefused) as error:
            return Reply(c.id, False, str(error))
        finally:
            if self._going is None or self._going.done():
                self._by = ""

    async def _draft(self, c: Command, asked: _Asked) -> Reply:
        draft, folder = await asyncio.to_thread(self._write_draft, asked, c.who)
        await self._engine.book.write(
            SkillDrafted(
                skill=draft.name,
                hypothesis=asked.hypothesis,
                trial=draft.call.trial,
                call=draft.call.call,
                folder=str(folder),
                author=draft.author,
                leftovers=draft.leftovers,
                id=c.id,
            )
        )
        return await self._check(c, msgspec.structs.replace(asked, skill=draft.name))

    def _write_draft(self, asked: _Asked, who: str) -> tuple[Draft, Path]:
        folders = [Path(p) for p in self._engine.job.skill_folders]
        names = primitives_here()
        with SessionReader(Path(self._engine.job.session)) as reader:
            today = datetime.datetime.now(datetime.UTC).date()
            draft = draft_from(
                reader, asked.hypothesis, names, load_library(folders), today, asked.skill
            )
        with tempfile.TemporaryDirectory() as scratch:
            return draft, keep_draft(self._shelf(who), draft, Path(scratch))

    async def _check(self, c: Command, asked: _Asked) -> Reply:
        holds = self._engine.canary.holds
        found, ruling = await asyncio.to_thread(self._ruling, asked, c.who, holds)
        await self._told(found, ruling, "draft", asked, c)
        lacking = len(ruling.missing)
        said = f"{found.name} would be {ruling.standing}"
        if lacking:
            said = f"{found.name} lacks {lacking}: {ruling.missing[0]}"
        return Reply(c.id, True, said, self._data(found, ruling))

    async def _confirm(self, c: Command, asked: _Asked) -> Reply:
        """What is missing is answered at once; what would pass waits for the canary, then is kept.

        The canary takes longer than a screen waits: what became of it is an event with this id.
        """
        found, ruling = await asyncio.to_thread(self._ruling, asked, c.who, None)
        if ruling.standing == "refused":
            await self._told(found, ruling, "refused", asked, c)
            said = f"{found.name} is refused: {'; '.join(ruling.missing)}"
            return Reply(c.id, False, said, self._data(found, ruling))
        self._going = self._engine.watched(asyncio.create_task(self._keep(c, asked)))
        said = f"{found.name} passes the gate; it is kept once the canary holds"
        return Reply(c.id, True, said, self._data(found, ruling))

    async def _keep(self, c: Command, asked: _Asked) -> None:
        try:
            holds = await self._engine.canary.before_promotion(asked.skill)
            found, ruling = await asyncio.to_thread(self._promote, asked, c.who, holds)
            await self._told(found, ruling, ruling.standing, asked, c)
            hypothesis = asked.hypothesis or _hypothesis_of(found)
            if ruling.standing != "refused" and hypothesis:
                reason = f"promoted as {found.name} by {c.who}: {ruling.standing}"
                await self._promoted(hypothesis, reason)
        except (ConfigError, PolicyRefused) as error:
            await self._engine.book.write(
                SkillRuled(asked.skill, "refused", (str(error),), who=c.who, id=c.id)
            )
        finally:
            self._by = ""

    async def _promoted(self, hypothesis: int, reason: str) -> None:
        """In the tree of a run that goes on and in the record; without a run, in the record."""
        ideas = self._engine.ideas_at(hypothesis)
        if ideas is not None and hypothesis in ideas.tree.nodes:
            await ideas.promoted(hypothesis, reason)
            return
        await self._engine.book.write(HypothesisDecided(hypothesis, "promoted", reason))

    async def settled(self) -> None:
        """Wait for a promotion that is under way."""
        if self._going is not None:
            await asyncio.wait({self._going})

    async def _abandon(self, c: Command, asked: _Asked) -> Reply:
        await asyncio.to_thread(self._shelf(c.who).discard, asked.skill, asked.note or "abandoned")
        await self._engine.book.write(
            SkillRuled(asked.skill, "abandoned", who=c.who, hypothesis=asked.hypothesis, id=c.id)
        )
        return Reply(c.id, True, f"the draft of {asked.skill} is gone")

    def _ruling(self, asked: _Asked, who: str, holds: bool | None) -> tuple[Skill, Ruling]:
        name = asked.skill
        folder = self._shelf(who).quarantined(name)
        if not (folder / "SKILL.md").is_file():
            raise ConfigError(f"no draft of {name or 'nothing'} waits; draft a hypothesis first")
        found = load_skill(folder)
        sessions = self._sessions(found, asked.evidence)
        return found, ruling_of(found, sessions, primitives_here(), (), holds)

    def _promote(self, asked: _Asked, who: str, holds: bool | None) -> tuple[Skill, Ruling]:
        shelf = self._shelf(who)
        waits = shelf.quarantined(asked.skill)
        sessions = self._sessions(load_skill(waits), asked.evidence) if waits.is_dir() else []
        return promote(
            shelf, asked.skill, sessions, primitives_here(), note=asked.note, world_holds=holds
        )

    def _sessions(self, skill: Skill, further: Sequence[str]) -> list[Path]:
        """Recordings that say something of this skill: this session's, those it names, and those
        that whoever asks names.

        Raises:
            ConfigError: One of those is no file.
        """
        own = Path(self._engine.job.session)
        found = evidence_sessions(skill, [own.parent])
        with SessionReader(own) as reader:
            if own not in found and skill.digest in digests_used(reader, skill.name):
                found.append(own)
        for path in map(Path, further):
            if not path.is_file():
                raise ConfigError(f"{path} is no recording")
            found.append(path)
        return found

    def _shelf(self, who: str) -> Shelf:
        return Shelf(Path(self._engine.job.shelf), who, time.time)

    async def _told(
        self, skill: Skill, ruling: Ruling, standing: SkillStanding, asked: _Asked, c: Command
    ) -> None:
        await self._engine.book.write(
            SkillRuled(
                skill=skill.name,
                standing=standing,
                missing=ruling.missing,
                shown=ruling.proofs,
                who=c.who,
                hypothesis=asked.hypothesis or _hypothesis_of(skill) or None,
                would_be=ruling.standing,
                id=c.id,
            )
        )

    def _data(self, skill: Skill, ruling: Ruling) -> dict[str, JSON]:
        folder = Path(skill.folder)
        return {
            "skill": skill.name,
            "folder": str(folder),
            "files": sorted(
                p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()
            ),
            "standing": ruling.standing,
            "missing": list(ruling.missing),
            "shown": list(ruling.proofs),
        }


def _hypothesis_of(skill: Skill) -> int:
    """The hypothesis a draft says it comes from; 0 when it says nothing."""
    words = skill.definition.provenance.origin.replace(",", "").split()
    at = words.index("hypothesis") + 1 if "hypothesis" in words[:-1] else 0
    return int(words[at]) if at and words[at].isdecimal() else 0
