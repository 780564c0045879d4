"""The agent worker: a process that holds the agent (later its key and network) and no robot."""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import socket
import sys
import traceback

import msgspec

from aspire_tui.improvement import wire
from aspire_tui.improvement.remote import RemoteTools
from aspire_tui.improvement.rules.agent import RulesAgent, RulesOptions
from aspire_tui.session.redaction import Redactor, secrets_among

PR_SET_PDEATHSIG = 1


class AgentSpec(msgspec.Struct, frozen=True):
    """Which agent to be, and its bounds."""

    agent: str
    rounds: int
    candidates: int
    dev_n: int


def main() -> int:
    """Entry of the process: ``--fd`` is the socket pair, ``--spec`` an AgentSpec as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--spec", required=True)
    args = parser.parse_args()
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sock = socket.socket(fileno=args.fd)
    os.set_inheritable(args.fd, False)
    spec = msgspec.json.decode(args.spec, type=AgentSpec)
    redactor = Redactor(secrets_among(os.environ))
    sys.excepthook = lambda kind, error, trace: sys.stderr.write(
        redactor.text("".join(traceback.format_exception(kind, error, trace)))
    )
    try:
        options = RulesOptions(spec.rounds, spec.candidates, spec.dev_n)
        RulesAgent(RemoteTools(sock, redactor), options).run()
        wire.send(sock, wire.AgentDone())
    except (wire.AgentLinkClosed, BrokenPipeError):
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
