"""Levels are made whole or not at all, proved from inside, and reported with reasons."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from aspire_tui.rollout.sandbox import levels, supervisor
from aspire_tui.rollout.sandbox.api import Answer, Function, Namespace, Parameter, ProgramLimits
from aspire_tui.rollout.sandbox.frames import ProbeFrame
from aspire_tui.rollout.sandbox.inside import landlock
from aspire_tui.rollout.sandbox.launcher import Sandbox, SandboxUnavailable
from aspire_tui.rollout.sandbox.pictures import PictureRing
from aspire_tui.rollout.sandbox.places import find_places
from aspire_tui.rollout.sandbox.zygote_process import ENVIRONMENT, ZygoteFailed, ZygoteProcess

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="confinement is Linux only")


def layers(report) -> dict[str, bool]:
    return {layer.name: layer.on for layer in report.layers}


@LINUX
def test_what_the_kernel_offers_is_had():
    """The other tests skip a level that cannot be had; this one says whether it ought to be."""
    namespaces = subprocess.run(
        ["unshare", "--user", "--mount", "--net", "--pid", "--fork", "true"],
        capture_output=True,
        check=False,
    )
    try:
        landlocked = landlock.abi() >= 1
    except OSError:
        landlocked = False
    offered = {"A": namespaces.returncode == 0 and landlocked, "B": landlocked}
    offered["A-"] = namespaces.returncode == 0
    for level, possible in offered.items():
        if possible:
            with Sandbox.start((level,), places=find_places(("numpy",))) as sandbox:
                assert sandbox.report.level == level


@pytest.mark.parametrize(
    ("level", "on", "off"),
    [
        ("A", {"namespaces", "landlock", "seccomp", "rlimits"}, set()),
        ("A-", {"namespaces", "seccomp", "rlimits"}, {"landlock"}),
        ("B", {"landlock", "seccomp", "rlimits"}, {"namespaces"}),
        ("D", {"rlimits"}, {"namespaces", "landlock", "seccomp"}),
    ],
)
def test_the_report_says_what_is_on_and_why_the_rest_is_not(at_level, level, on, off):
    report = at_level(level).sandbox.report
    assert report.level == level
    named = layers(report)
    assert {name for name in on if named[name]} == on
    assert {name for name in off if not named[name]} == off
    assert all(layer.why for layer in report.layers if not layer.on)
    assert platform.release() in report.kernel
    assert bool(report.raise_it) == (level != "A")


@pytest.mark.parametrize(("level", "leaks"), [("A", ()), ("A-", ()), ("B", ("stat /etc/passwd",))])
def test_the_probe_is_denied_what_the_level_promises(at_level, level, leaks):
    report = at_level(level).sandbox.report
    assert report.leaks == leaks
    assert {"socket inet", "fork", "exec", "write /tmp", "signal the engine"} <= set(report.denied)


def test_the_probe_is_not_blind(at_level):
    """Unconfined it gets through, so that a denial means something."""
    leaks = set(at_level("D").sandbox.report.leaks)
    assert {"socket inet", "fork", "exec", "read /etc/passwd", "signal the engine"} <= leaks


def test_no_sandbox_has_to_be_asked_for_by_name():
    assert "D" not in levels.TOLERATED
    with pytest.raises(SandboxUnavailable, match="no level was asked for"):
        Sandbox.start(())


@pytest.mark.parametrize(
    ("hardware", "waived", "system", "may"),
    [
        (False, False, "linux", ("A", "A-", "B")),
        (True, False, "linux", ("A", "A-", "B")),
        (False, True, "linux", ("A", "A-", "B", "D")),
        (True, True, "linux", ("A", "A-", "B", "D")),
        (False, False, "darwin", ("D",)),
        (True, False, "darwin", ("A", "A-", "B")),
        (True, True, "darwin", ("D",)),
    ],
)
def test_the_levels_a_cell_may_have(hardware, waived, system, may):
    assert levels.admitted(hardware=hardware, waived=waived, system=system) == may


def test_hardware_without_a_sandbox_needs_the_typed_flag():
    why = levels.refusal("D", hardware=True, waived=False)
    assert "--i-accept-no-sandbox" in why
    assert levels.refusal("D", hardware=True, waived=True) == ""
    assert levels.refusal("D", hardware=False, waived=False) == ""
    assert not any(levels.refusal(x, hardware=True, waived=False) for x in ("A", "A-", "B"))


def test_elsewhere_than_on_linux_programs_run_at_d_with_pictures_beside_the_message(monkeypatch):
    """The path another system takes, on this one: no ring, no confinement, the same answers."""
    with pytest.raises(OSError, match="Linux only"):
        PictureRing("darwin")
    monkeypatch.setattr(supervisor, "make_ring", lambda: None)
    may = levels.admitted(hardware=False, waived=False, system="darwin")
    with Sandbox.start(may, places=find_places(("numpy",))) as sandbox:
        echo = Namespace((Function("echo", (Parameter("value", True),), ""),))
        picture = np.full((100, 640), 7, np.uint8)
        outcome = sandbox.run("print(echo(1).sum())", echo, lambda c: Answer(picture))
        assert (sandbox.report.level, outcome.stdout) == ("D", "448000\n")
        assert sandbox.report.missing()["seccomp"] == "not used at level D"
    assert "Linux" in levels.raise_it("D", system="darwin")


@LINUX
@pytest.mark.parametrize("machine", ["riscv64", "i686", "ppc64le", "s390x"])
def test_a_machine_without_a_table_gets_no_confinement(machine, tmp_path):
    """Only D is left there, and that has to be asked for."""
    root = str(Path(levels.__file__).parents[3])
    text = _FOREIGN.format(root=root, machine=machine)
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    rows = json.loads(done.stdout)
    for level in ("A", "A-", "B"):
        assert rows[level] == "LayerFailed: no system-call table for this machine"
    assert rows["D"] == ""


_FOREIGN = """
import json, os, platform, sys
sys.path.insert(0, {root!r})
platform.machine = lambda: {machine!r}
from aspire_tui.rollout.sandbox.inside import confinement
told = {{}}
for level in ("A", "A-", "B", "D"):
    try:
        confinement.apply({{"level": level, "packages": {{}}, "companions": []}}, [], None, 0)
        told[level] = ""
    except confinement.LayerFailed as error:
        told[level] = f"LayerFailed: {{error}}"
print(json.dumps(told))
"""


@pytest.mark.parametrize("level", ["A", "A-", "B"])
def test_a_probe_that_gets_through_disproves_the_level(level):
    assert levels.shortfall(level, ProbeFrame((), ()), "") == ""
    assert "fork" in levels.shortfall(level, ProbeFrame((), ("fork",)), "")
    assert "no answer: why" in levels.shortfall(level, None, "why")
    seen = levels.shortfall(level, ProbeFrame((), ("stat /etc/passwd",)), "")
    assert bool(seen) == (level != "B")


@LINUX
def test_half_made_namespaces_end_the_zygote(tmp_path, at_level):
    """The last bind fails, after everything else was entered: nothing of it may be used."""
    at_level("A")
    places = find_places()
    broken = dataclasses.replace(places, companions=[*places.companions, str(tmp_path / "gone")])
    with pytest.raises(ZygoteFailed, match="No such file"):
        ZygoteProcess("A", broken)
    with pytest.raises(SandboxUnavailable, match=r"A: .*No such file"):
        Sandbox.start(("A",), places=broken)


_LADDER = """
import sys, json
sys.path.insert(0, {root!r})
from aspire_tui.rollout.sandbox.inside import kernel, seccomp
kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
seccomp.install(seccomp.program(kernel.architecture(), deny={deny!r}))
from aspire_tui.rollout.sandbox.api import Answer, Namespace
from aspire_tui.rollout.sandbox.launcher import Sandbox, SandboxUnavailable
from aspire_tui.rollout.sandbox.pictures import PictureRing
from aspire_tui.rollout.sandbox.places import find_places
try:
    with Sandbox.start(places=find_places(("numpy",))) as sandbox:
        ended = sandbox.run("print(np.eye(2).sum())", Namespace(()), lambda c: Answer()).ended
        report = sandbox.report
        print(json.dumps([report.level, ended, [[l.name, l.on, l.why] for l in report.layers]]))
except SandboxUnavailable as error:
    print(json.dumps(["none", str(error), []]))
"""

NO_LANDLOCK = {444: 38}
NO_UNSHARE = {"x86_64": {272: 1}, "aarch64": {97: 1}}
NO_PIVOT = {"x86_64": {155: 1}, "aarch64": {41: 1}}
NO_SECCOMP = {"x86_64": {317: 38}, "aarch64": {277: 38}}


@LINUX
@pytest.mark.parametrize(
    ("missing", "level", "why"),
    [
        ("landlock", "A-", "level A"),
        ("unshare", "B", "level A-"),
        ("pivot_root", "B", "level A-"),
        ("seccomp", "none", ""),
    ],
)
def test_a_kernel_without_a_layer_gets_the_next_level(at_level, missing, level, why):
    """The kernel is made poorer by a filter around a whole new process, then asked again."""
    at_level("A")
    machine = platform.machine()
    deny = {
        "landlock": NO_LANDLOCK,
        "unshare": NO_UNSHARE[machine],
        "pivot_root": NO_PIVOT[machine],
        "seccomp": NO_SECCOMP[machine],
    }[missing]
    root = str(Path(levels.__file__).parents[3])
    done = subprocess.run(
        [sys.executable, "-c", _LADDER.format(root=root, deny=deny)],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    got, ended, rows = json.loads(done.stdout.splitlines()[-1])
    assert got == level
    if level == "none":
        assert all(f"{name}: " in ended for name in ("A", "A-", "B"))
    else:
        assert ended == "returned"
        named = {name: reason for name, on, reason in rows if not on}
        assert named[why]


def test_the_advice_is_one_command(tmp_path):
    assert levels.raise_it("A", tmp_path) == ""
    setting = tmp_path / "kernel" / "apparmor_restrict_unprivileged_userns"
    setting.parent.mkdir()
    setting.write_text("1\n")
    command = "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
    if sys.platform == "linux":
        assert levels.raise_it("B", tmp_path) == command


def test_the_zygote_starts_with_an_empty_environment(at_level, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-canary")
    with Sandbox.start((at_level("D").sandbox.report.level,)) as sandbox:
        told = []
        sandbox.run(
            "import os\nprint(sorted(os.environ))\nprint(open('/proc/self/environ').read())",
            Namespace(()),
            lambda c: Answer(),
            ProgramLimits(),
            told.append,
        )
    assert "canary" not in "".join(told)
    for name in ENVIRONMENT:
        assert f"'{name}'" in told[0]


@LINUX
def test_existence_is_all_that_level_b_gives_away(at_level):
    program = "import os\nprint(os.path.exists('/etc/passwd'), os.path.exists('/etc/passwd-no'))"
    assert at_level("B")(program).stdout == "True False\n"
    assert at_level("A")(program).stdout == "False False\n"


@LINUX
def test_the_root_of_level_a_holds_what_was_granted_and_nothing_else(at_level):
    places = find_places()
    granted = [*places.packages.values(), *places.companions, *sys.path[1:]]
    listing = "import os\nfor name in os.listdir('/'): print(name)"
    for level in ("A", "A-"):
        seen = set(at_level(level)(listing).stdout.split())
        assert seen <= {Path(p).parts[1] for p in granted if Path(p).is_absolute()}, level


@LINUX
def test_what_is_installed_beside_the_allowed_packages_stays_shut(at_level):
    """Also at level B, where its directory can be seen."""
    site = Path(find_places().packages["numpy"]).parent
    inside_library = Path(os.__file__).parent / "site-packages"
    installed = [*site.glob("msgspec/__init__.py"), *inside_library.glob("*/__init__.py")]
    assert installed
    for level in ("A", "A-", "B"):
        for file in installed[:3]:
            outcome = at_level(level)(f"print(open({str(file)!r}).read())")
            assert outcome.ended == "raised", (level, file)


def test_uid_of_a_program_is_nobody_when_it_can_be(at_level):
    assert at_level("A")("import os\nprint(os.getuid(), os.getgid())").stdout == "65534 65534\n"
