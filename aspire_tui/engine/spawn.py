"""Starts an engine so that it outlives the terminal."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec

from aspire_tui.engine.job import Job
from aspire_tui.engine.readiness import Readiness
from aspire_tui.engine.sight_start import NETWORK, PASSED_ON, start_sight
from aspire_tui.improvement.acp.presets import keys_of
from aspire_tui.improvement.agent_spec import AgentSpec, SightOptions
from aspire_tui.improvement.llm.provider import KEY_VARIABLE, choose_models
from aspire_tui.improvement.mcp.door import SUFFIX as DOOR

EDITING = ("EDITOR", "VISUAL", "TERM", "COLORTERM", "NO_COLOR")
"""What a person's editor wants to know."""

ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""Workers fill the cores; a matrix library that adds threads of its own only slows them down."""


class EngineNotStarted(Exception):
    """The engine said in one line why it does not run; ``code`` is the exit code for it."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True)
class StartedEngine:
    """An engine this process has started."""

    session: Path
    socket: Path
    process: subprocess.Popen[bytes]


def socket_of(runtime_dir: Path, session: Path) -> Path:
    return runtime_dir / f"{session.stem}.sock"


def start_engine(job: Job) -> StartedEngine:
    """Start an engine in a session of its own and wait until it writes its session.

    Raises:
        EngineNotStarted: With its own one-line reason.
    """
    read_fd, write_fd = os.pipe()
    log = _log(job, "log")
    team = range(1, job.spec.team + 1) if job.spec.verb == "run" else ()
    links = [_start_agent(job, member) for member in team]
    fds = [link.fileno() for link in links]
    arguments = ["--ready-fd", str(write_fd)]
    arguments += [word for fd in fds for word in ("--agent-fd", str(fd))]
    if job.sight.model:
        links.append(_start_sight(job))
        fds.append(links[-1].fileno())
        arguments += ["--sight-fd", str(fds[-1])]
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "aspire_tui.engine.main", *arguments],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            pass_fds=(write_fd, *fds),
            start_new_session=True,
            cwd="/",
            env={**_passed_on(), **ONE_THREAD},
        )
    finally:
        os.close(write_fd)
        os.close(log)
        for link in links:
            link.close()
    if process.stdin is None:
        raise EngineNotStarted(5, "the engine has no standard input")
    process.stdin.write(msgspec.json.encode(job))
    process.stdin.close()
    with os.fdopen(read_fd, "rb") as ready:
        line = ready.readline()
    if not line:
        code = process.wait()
        raise EngineNotStarted(
            5, f"the engine ended before it was ready (exit {code}); see its log"
        )
    said = msgspec.json.decode(line, type=Readiness)
    if not said.ok:
        process.wait()
        raise EngineNotStarted(said.code, said.text)
    session = Path(job.session)
    return StartedEngine(session, socket_of(Path(job.runtime_dir), session), process)


def _start_agent(job: Job, member: int) -> socket.socket:
    """Start an agent worker with the keys it needs; returns the engine's end of the pair."""
    engine, agent = socket.socketpair()
    spec = AgentSpec(
        job.spec.agent,
        job.spec.rounds,
        job.spec.candidates,
        job.tasks[(member - 1) % len(job.tasks)].criterion.dev_n,
        job.spec.agent_options,
        job.spec.agent_at_large,
        f"{job.runtime_dir}/{Path(job.session).stem}{DOOR}",
        member,
        job.spec.team,
    )
    log = _log(job, "agent.log")
    by_hand = job.spec.agent == "manual"  # a person edits: the terminal is theirs
    try:
        subprocess.Popen(
            [
                *(sys.executable, "-m", "aspire_tui.improvement.worker"),
                *("--fd", str(agent.fileno())),
                *("--spec", msgspec.json.encode(spec).decode()),
            ],
            stdin=None if by_hand else subprocess.DEVNULL,
            stdout=None if by_hand else log,
            stderr=log,
            pass_fds=(agent.fileno(),),
            start_new_session=not by_hand,
            cwd="/",
            env={**_passed_on(), **_keys(job)},
        )
    finally:
        agent.close()
        os.close(log)
    return engine


def _start_sight(job: Job) -> socket.socket:
    """Start what asks the model for programs; returns our end of the pair."""
    options = SightOptions(job.sight.model, job.spec.perception_model_url)
    log = _log(job, "sight.log")
    try:
        return start_sight(options, job.sight.socket, log, os.environ)
    finally:
        os.close(log)


def _keys(job: Job) -> dict[str, str]:
    """The one key the asked-for model needs; no other agent is given any."""
    if job.spec.agent == "manual":
        return {name: os.environ[name] for name in EDITING if name in os.environ}
    if job.spec.agent == "acp":
        return keys_of(job.spec.agent_options, os.environ)
    if job.spec.agent != "llm":
        return {}
    chosen = choose_models(job.spec.agent_options["model"])
    wanted = (*(KEY_VARIABLE[c.protocol] for c in chosen), *NETWORK)
    return {name: os.environ[name] for name in wanted if name in os.environ}


def _passed_on() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if k in PASSED_ON}


def _log(job: Job, suffix: str) -> int:
    """A log beside the engine's socket, for this user alone."""
    return os.open(
        f"{job.runtime_dir}/{Path(job.session).stem}.{suffix}",
        os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC,
        0o600,
    )
