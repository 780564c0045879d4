"""The agent worker: a process that holds an agent, its key and its network, and no robot.

The command that starts a run starts it beside the engine, joined by a socket pair: keys never pass
through the engine. It outlives the terminal and ends when the engine's end of the pair closes.
"""

from __future__ import annotations

import argparse
import os
import select
import signal
import socket
import sys
import threading
import traceback

import msgspec

from aspire_tui.improvement import wire
from aspire_tui.improvement.agent_spec import AgentSpec
from aspire_tui.improvement.remote import RemoteTools
from aspire_tui.session.redaction import Redactor, secrets_among


def main() -> int:
    """Entry of the process: ``--fd`` is the socket pair, ``--spec`` an AgentSpec as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--spec", required=True)
    args = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sock = socket.socket(fileno=args.fd)
    os.set_inheritable(args.fd, False)
    threading.Thread(target=end_with, args=(sock,), daemon=True).start()
    spec = msgspec.json.decode(args.spec, type=AgentSpec)
    redactor = Redactor(_secrets(spec))
    sys.excepthook = lambda kind, error, trace: sys.stderr.write(
        redactor.text("".join(traceback.format_exception(kind, error, trace)))
    )
    try:
        error = _run(spec, RemoteTools(sock, redactor))
        wire.send(sock, wire.AgentDone(redactor.text(error)))
    except (wire.AgentLinkClosed, BrokenPipeError):
        return 0
    return 0


def _run(spec: AgentSpec, tools: RemoteTools) -> str:
    """Be the agent until it is done, or say why it cannot go on.

    Only the agent that is asked for is imported.
    """
    if spec.agent == "llm":
        from aspire_tui.improvement.llm.start import run_llm

        return run_llm(spec.options, tools, os.environ, spec.dev_n)
    if spec.agent == "mcp":
        from aspire_tui.improvement.mcp.door import run_outside

        return run_outside(spec.door, tools)
    if spec.agent == "acp":
        from aspire_tui.improvement.acp.start import run_acp

        return run_acp(spec.options, spec.at_large, tools, os.environ)
    if spec.agent == "manual":
        from aspire_tui.improvement.manual.start import run_manual

        return run_manual(spec.dev_n, tools, os.environ)
    from aspire_tui.improvement.rules.agent import RulesAgent, RulesOptions
    from aspire_tui.improvement.rules.first_pass import FIRST_PASS, FirstPass
    from aspire_tui.improvement.rules.prove import PROGRAM, PROVE, Prover

    if FIRST_PASS in spec.options:
        most = int(spec.options[FIRST_PASS])
        FirstPass(tools, spec.options.get(PROGRAM, ""), spec.dev_n, most).run()
        return ""
    if PROVE in spec.options:
        Prover(tools, spec.options.get(PROGRAM, ""), spec.dev_n).run()
        return ""
    RulesAgent(tools, RulesOptions(spec.candidates, spec.dev_n, spec.member, spec.team)).run()
    return ""


def _secrets(spec: AgentSpec) -> list[str]:
    """What may not leave this process."""
    if spec.agent != "acp":
        return secrets_among(os.environ)
    from aspire_tui.improvement.acp.presets import secrets_of

    return secrets_of(spec.options, os.environ)


def end_with(engine: socket.socket) -> None:
    """Leave at once when the engine is gone, also from the middle of a model's answer."""
    hung_up = select.poll()
    hung_up.register(engine.fileno(), select.POLLRDHUP | select.POLLHUP)
    hung_up.poll()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
