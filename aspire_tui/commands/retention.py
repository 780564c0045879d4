"""How long sessions are kept, as the settings say it."""

from __future__ import annotations

from aspire_tui.config import Settings
from aspire_tui.session.keeping import GB, Retention


def retention(settings: Settings) -> Retention:
    """What the settings say of keeping sessions, in bytes."""
    kept = settings.sessions
    return Retention(kept.keep_days, int(kept.quota_gb * GB), int(kept.least_free_gb * GB))
