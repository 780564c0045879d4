"""What an operator is told, or called for, because the session went on. Pure."""

from __future__ import annotations

from aspire_tui.events import HandAct
from aspire_tui.session.promotions import PromotionView
from aspire_tui.session.snapshot import Snapshot
from aspire_tui.tui.by_hand import hand_words
from aspire_tui.tui.moment import Moment
from aspire_tui.tui.panes.dry_run import dry_run_words
from aspire_tui.tui.screen.safe import clean_line

Said = tuple[str, str]
"""A line and the role to say it in."""


def news_of(known: Snapshot, moment: Moment) -> list[Said]:
    """What is said of what came since; the last is read longest."""
    after = moment.snapshot
    said = [
        hand_words(told.event)
        for told in moment.by_hand
        if told.seq > known.seq and isinstance(told.event, HandAct)
    ]
    if after.dry_runs[-1:] != known.dry_runs[-1:]:
        said.append(dry_run_words(after.dry_runs[-1]))
    if after.promotion is not None and after.promotion != known.promotion:
        said += ruled_words(after.promotion)
    return said


def ruled_words(promotion: PromotionView) -> list[Said]:
    """What became of a skill at the gate; nothing of a draft."""
    skill, why = clean_line(promotion.skill, 60), clean_line("; ".join(promotion.missing), 200)
    match promotion.standing:
        case "admitted":
            return [(f"{skill} is admitted: it is in the library", "ok")]
        case "provisional":
            return [(f"{skill} is in the library, provisional: {why}", "ok")]
        case "refused":
            return [(f"refused (P goes on with it): {skill} {why}", "alarm")]
        case _:
            return []


def calls_somebody(known: Snapshot, after: Snapshot) -> bool:
    """Whether a bell is due: a call stands, or a person has to do something."""
    stands = known.standing is None and after.standing is not None
    phase = after.phase.phase
    return stands or (phase != known.phase.phase and phase in ("needs_operator", "fault"))
