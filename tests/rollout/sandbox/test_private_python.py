"""Python below a private home (0700): bound before root is dropped, or nothing is imported."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from aspire_tui.rollout.sandbox import launcher
from aspire_tui.rollout.sandbox.places import find_places

TEST_USER = 47001
SCRIPT = """
import json, sys
sys.dont_write_bytecode = True
sys.path[:0] = {path!r}
from aspire_tui.rollout.sandbox.api import Answer, Namespace
from aspire_tui.rollout.sandbox.launcher import Sandbox, SandboxUnavailable
from aspire_tui.rollout.sandbox.places import find_places
control = "import csv, colorsys, os\\nprint(int(np.eye(3).sum()), os.getuid())"
files = ({secret!r}, "/etc/passwd")
told = {{}}
for level in ("A", "A-", "B"):
    try:
        with Sandbox.start((level,), places=find_places(("numpy",))) as sandbox:
            programs = (control, *(f"print(open({{f!r}}).read())" for f in files))
            ends = [sandbox.run(p, Namespace(()), lambda c: Answer()) for p in programs]
            told[level] = [[o.ended, o.stdout.split()] for o in ends]
    except SandboxUnavailable as error:
        told[level] = str(error)
print(json.dumps(told))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="confinement is Linux only")
@pytest.mark.skipif(os.geteuid() != 0, reason="binding Python elsewhere takes root")
@pytest.mark.parametrize("user", [0, TEST_USER])
def test_python_below_a_private_home(tmp_path, user):
    """The real interpreter and packages, bound below a home that only its owner may enter."""
    if not shutil.which("unshare") or not shutil.which("setpriv"):
        pytest.skip("needs unshare and setpriv")
    home = tmp_path / "home"
    python, site, code = home / "python", home / "site", home / "code"
    for folder in (python, site, code):
        folder.mkdir(parents=True)
    secret = home / "secret"
    secret.write_text("private")
    for path in (home, secret):
        os.chown(path, user, user)
    home.chmod(0o700)
    for parent in (tmp_path, *tmp_path.parents):
        if parent.stat().st_uid == 0 and not parent.stat().st_mode & 0o001:
            parent.chmod(0o755)  # pytest makes its folders, one more with workers, for one user
    packages = Path(find_places().packages["numpy"]).parent
    root = Path(launcher.__file__).parents[3]
    script = tmp_path / "script.py"
    text = SCRIPT.format(path=[str(code), str(site)], secret=str(secret))
    script.write_text(text)
    binds = [(sys.base_prefix, python), (packages, site), (root, code)]
    steps = [f"mount --bind {source} {target}" for source, target in binds]
    run = f"setpriv --reuid {user} --regid {user} --clear-groups" if user else "exec"
    run += f" {python}/bin/python3 -S {script}"
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", " && ".join([*steps, run])],
        capture_output=True, timeout=120, check=False, cwd="/", env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    if b"mount:" in done.stderr:
        pytest.skip(done.stderr.decode())
    assert done.returncode == 0, done.stderr.decode()
    told = json.loads(done.stdout.splitlines()[-1])
    for level, ends in told.items():
        assert not isinstance(ends, str), f"{level}: {ends}"
        control, private, passwd = ends
        assert control[0] == "returned", (level, ends)
        assert control[1][0] == "3"
        assert private[0] == passwd[0] == "raised", level
