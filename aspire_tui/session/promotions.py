"""What a screen shows of promotions and of the canary: the newest of each."""

from __future__ import annotations

from aspire_tui.domain import Struct
from aspire_tui.events import CanaryReported, Recorded, SkillDrafted, SkillRuled
from aspire_tui.skill_events import CanaryCheck, SkillStanding

LINES = 32
DOUBTFUL_SHOWN = 256


class PromotionView(Struct, frozen=True):
    """One skill on its way in. ``missing`` says what the gate still wants, a line each."""

    skill: str
    hypothesis: int | None
    standing: SkillStanding
    would_be: SkillStanding = "refused"
    folder: str = ""
    author: str = ""
    who: str = ""
    missing: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    leftovers: tuple[str, ...] = ()

    @property
    def waits(self) -> bool:
        """Its draft is still there, to be mended and offered again."""
        return bool(self.folder) and self.standing in ("draft", "refused")


class CanaryView(Struct, frozen=True):
    """The last canary. ``doubtful`` are trials since the last one that held."""

    holds: bool
    seq: int
    wall_s: float
    reason: str
    why: str
    checks: tuple[CanaryCheck, ...]
    doubtful: tuple[int, ...]
    doubted: int
    """How many there are in all."""


def with_draft(event: SkillDrafted) -> PromotionView:
    return PromotionView(
        skill=event.skill,
        hypothesis=event.hypothesis,
        standing="draft",
        folder=event.folder,
        author=event.author,
        leftovers=event.leftovers[:LINES],
    )


def with_ruling(known: PromotionView | None, event: SkillRuled) -> PromotionView:
    """The same promotion after the gate spoke; of another skill, a new one."""
    same = known is not None and known.skill == event.skill
    return PromotionView(
        skill=event.skill,
        hypothesis=event.hypothesis if not same or known is None else known.hypothesis,
        standing=event.standing,
        would_be=event.would_be,
        folder=known.folder if same and known is not None else "",
        author=known.author if same and known is not None else "",
        who=event.who,
        missing=event.missing[:LINES],
        shown=event.shown[:LINES],
        leftovers=known.leftovers if same and known is not None else (),
    )


def with_canary(known: CanaryView | None, at: Recorded, event: CanaryReported) -> CanaryView:
    """Trials that were in doubt stay so, whatever a later canary says of the world then."""
    before = known.doubtful if known is not None else ()
    doubtful = tuple(sorted({*before, *event.doubtful}))
    return CanaryView(
        holds=event.holds,
        seq=at.seq,
        wall_s=at.wall_s,
        reason=event.reason[:400],
        why=event.why[:120],
        checks=event.checks[:LINES],
        doubtful=doubtful[-DOUBTFUL_SHOWN:],
        doubted=(known.doubted if known is not None else 0) + len(event.doubtful),
    )
