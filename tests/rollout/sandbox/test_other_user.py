"""The same promises for an ordinary user, who needs a user namespace to get any of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from aspire_tui.rollout.sandbox import launcher

NOBODY = 65534
SCRIPT = """
import json, os, sys
sys.dont_write_bytecode = True
sys.path[:0] = {path!r}
from aspire_tui.rollout.sandbox.api import Answer, Namespace
from aspire_tui.rollout.sandbox.launcher import Sandbox, SandboxUnavailable
PROGRAMS = {programs!r}
told = {{}}
for level in ("A", "A-", "B"):
    try:
        with Sandbox.start((level,)) as sandbox:
            ends = [sandbox.run(p, Namespace(()), lambda c: Answer()) for p in PROGRAMS]
            told[level] = [list(sandbox.report.leaks), [[o.ended, o.stdout, o.error] for o in ends]]
    except SandboxUnavailable as error:
        told[level] = str(error)
print(json.dumps(told))
"""
PROGRAMS = [
    "from scipy.spatial.transform import Rotation\nimport scipy.optimize, csv\n"
    "print(int(np.linalg.inv(np.eye(3)).sum()))",
    "import os\nprint(os.getuid())",
    "print(open('/etc/passwd').read())",
    "import os\nos.kill({parent}, 9)",
    "import os\nos.mkdir({folder!r})",
    "import socket\nsocket.socket()",
]


def readable_python() -> str:
    """An interpreter of this version that anyone may execute."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for place in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        real = Path(place).resolve()
        open_to_all = all(p.stat().st_mode & 0o001 for p in real.parents if p.exists())
        if real.exists() and open_to_all:
            return place
    pytest.skip(f"no {version} here that an ordinary user may execute")


@pytest.mark.skipif(sys.platform != "linux", reason="confinement is Linux only")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user; run as both")
def test_an_ordinary_user_gets_the_same_levels(tmp_path):
    root = Path(launcher.__file__).parents[3]
    site = Path(np.__file__).parents[1]
    for needed in (root, site):
        if not all(p.stat().st_mode & 0o001 for p in (needed, *needed.parents)):
            pytest.skip(f"{needed} is closed to ordinary users")
    python = readable_python()
    programs = [p.format(parent=os.getpid(), folder=str(tmp_path / "new")) for p in PROGRAMS]
    script = SCRIPT.format(path=[str(root), str(site)], programs=programs)
    done = subprocess.run(
        [python, "-c", script],
        user=NOBODY, group=NOBODY, extra_groups=[], cwd="/", env={"HOME": "/nonexistent"},
        capture_output=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    told = json.loads(done.stdout.splitlines()[-1])
    for level, answer in told.items():
        assert not isinstance(answer, str), f"{level}: {answer}"
        leaks, ends = answer
        assert leaks == (["stat /etc/passwd"] if level == "B" else [])
        assert ends[0][:2] == ["returned", "3\n"], ends[0]
        assert ends[1][:2] == ["returned", "65534\n"]
        assert [end for end, _, _ in ends[2:]] == ["raised"] * 4
    assert not (tmp_path / "new").exists()
