"""What a call ends in when something it asks beside the robot does not help: a server, a model."""

from __future__ import annotations

from aspire_tui.domain import Status


class ServiceFailed(Exception):
    """One line: which service, what it said or did not say. Never "nothing found".

    FAULT: it is down, or nobody configured it. INVALID: it answered what is no answer, or the call
    named something this cell does not have.
    """

    def __init__(self, status: Status, text: str) -> None:
        super().__init__(text)
        self.status: Status = status
