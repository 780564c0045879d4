"""Holds a hosted agent in: what it may read, and the proof that it reads nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from aspire_tui.errors import ConfigError
from aspire_tui.improvement.acp.inside import relay
from aspire_tui.improvement.acp.inside.confined import PROXY_PORT, has_admin
from aspire_tui.improvement.acp.inside.root import HOME, LINKS, SYSTEM
from aspire_tui.rollout.sandbox.inside.namespaces import NOBODY

PROBE_WITHIN_S: Final = 20.0
PROXY: Final = f"http://127.0.0.1:{PROXY_PORT}"


@dataclass(frozen=True)
class Confinement:
    """Whether an agent can be held in here; ``why_not`` is empty when it can."""

    why_not: str = ""


@dataclass(frozen=True)
class Premises:
    """Folders of one hosted agent, outside: private, and removed with it."""

    folder: Path

    @property
    def work(self) -> Path:
        """All it may write besides its home."""
        return self.folder / "work"

    @property
    def links(self) -> Path:
        """Sockets to the tools and the provider."""
        return self.folder / "links"

    def prepare(self) -> None:
        for folder in (self.work, self.links):
            folder.mkdir()
            folder.chmod(0o755)
        shutil.copyfile(relay.__file__, self.links / "relay.py")
        (self.links / "relay.py").chmod(0o644)
        if os.geteuid() == 0 and has_admin():  # by a user namespace it stays ours, as the agent is
            os.chown(self.work, NOBODY, NOBODY)


def reads_of(program: str, installed: Sequence[str]) -> list[str]:
    """What the agent may read besides system programs: Python for the relay, its installation.

    Raises:
        ConfigError: Its program lies where nothing was said to be readable.
    """
    reads = [*installed]
    if not _below(sys.base_prefix, SYSTEM):
        reads.append(sys.base_prefix)
    found = shutil.which(program) or program
    if not any(_below(p, (*SYSTEM, *reads)) for p in {found, os.path.realpath(found)}):
        raise ConfigError(
            f"{found} is outside of the system's folders: name the folder of its installation "
            "with --acp-installed DIR (read-only to it)"
        )
    for folder in reads:
        for kept in secret_places():
            if Path(kept).is_relative_to(folder):
                raise ConfigError(f"--acp-installed {folder} holds {kept}; name a narrower folder")
    return reads


def secret_places() -> tuple[str, ...]:
    """Places no hosted agent may read, whatever it was given."""
    package = Path(relay.__file__).resolve().parents[3]
    return (str(package), str(package.parent / "drivers"), str(Path.home()), str(Path.cwd()))


def confined_command(
    premises: Premises, argv: Sequence[str], reads: Sequence[str], keys: Sequence[str]
) -> list[str]:
    """The command line that becomes the agent behind its walls.

    Args:
        keys: Names of its keys; the values are in the environment it is started with, never in
            a command line.
    """
    plan = {
        "work": str(premises.work),
        "links": str(premises.links),
        "reads": list(reads),
        "argv": list(argv),
        "environment": environment_of(reads, {}),
        "keys": list(keys),
    }
    return _command(plan)


def environment_of(reads: Sequence[str], keys: Mapping[str, str]) -> dict[str, str]:
    """All an agent is told: an empty home, its proxy, its own keys."""
    folders = [f"{folder}/bin" for folder in reads if Path(folder, "bin").is_dir()]
    proxies = dict.fromkeys(("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"), PROXY)
    return {
        "PATH": ":".join([*folders, "/usr/local/bin", "/usr/bin", "/bin"]),
        "HOME": HOME,
        "TMPDIR": "/tmp",
        "LANG": "C.UTF-8",
        "NO_PROXY": "localhost,127.0.0.1",
        **proxies,
        **keys,
    }


def prove(reads: Sequence[str], forbidden: Sequence[str]) -> Confinement:
    """Confine a process as an agent would be, and let it try to get out.

    Args:
        forbidden: Paths that must not be there for it.
    """
    with tempfile.TemporaryDirectory(prefix="aspire-") as folder:
        premises = Premises(Path(folder))
        premises.prepare()
        plan = {
            "work": str(premises.work),
            "links": str(premises.links),
            "reads": list(reads),
            "forbidden": [p for p in (*forbidden, *secret_places()) if p != "/"],
            "probe": True,
        }
        try:
            done = subprocess.run(
                _command(plan),
                capture_output=True,
                text=True,
                timeout=PROBE_WITHIN_S,
                check=False,
                stdin=subprocess.DEVNULL,
                cwd="/",
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return Confinement(f"the probe did not end: {error}")
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        return Confinement(lines[-1] if lines else f"the probe ended with {done.returncode}")
    leaks = msgspec.json.decode(done.stdout)["leaks"]
    return Confinement(f"it could reach {', '.join(leaks)}" if leaks else "")


def _command(plan: Mapping[str, object]) -> list[str]:
    module = "aspire_tui.improvement.acp.inside.confined"
    return [sys.executable, "-m", module, msgspec.json.encode(plan).decode()]


def _below(path: str, folders: Sequence[str]) -> bool:
    return any(Path(path).is_relative_to(folder) for folder in folders)


INSIDE_LINKS: Final = LINKS
"""Where an agent finds the sockets."""
