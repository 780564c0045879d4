"""Every verb of ``tasks``, in one app."""

from __future__ import annotations

from aspire_tui.commands import tasks_label, tasks_new, tasks_recall
from aspire_tui.commands.list_verbs import tasks_app

__all__ = ["tasks_app", "tasks_label", "tasks_new", "tasks_recall"]
