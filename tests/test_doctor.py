"""The doctor judges what it is given, and says what to do; it never guesses."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from aspire_tui.config import Workspace
from aspire_tui.doctor import checks, examine, probes
from aspire_tui.doctor.logout import check_logout, look_at_logout
from aspire_tui.doctor.providers import check_providers, look_at_providers
from aspire_tui.doctor.report import report_on
from aspire_tui.doctor.seen import (
    CameraSeen,
    LogoutSeen,
    MachineSeen,
    PackageSeen,
    ProvidersSeen,
    RuntimeFolderSeen,
    SandboxSeen,
    SerialPortSeen,
    SerialSeen,
    TerminalSeen,
    WorkspaceSeen,
)
from aspire_tui.doctor.terminal import check_terminal
from aspire_tui.domain import Layer, SandboxReport

TERMINAL = TerminalSeen(True, 120, 40, "utf-8", {"TERM": "xterm-256color"})
SANDBOX_A = SandboxReport("A", "Linux 6.1", (Layer("landlock", True),), ("socket",))
SANDBOX_B = SandboxReport(
    "B",
    "Linux 6.1",
    (Layer("landlock", True), Layer("namespaces", False, "unshare: EPERM")),
    ("socket",),
    ("stat /etc/passwd",),
    "sudo sysctl -w kernel.unprivileged_userns_clone=1",
)
WELL = MachineSeen(
    python=(3, 11, 7),
    executable="/usr/bin/python3",
    system="Linux 6.1 x86_64",
    cores=2,
    mujoco=PackageSeen({"mujoco": "4.0.0"}, "4.0.0"),
    sqlite=PackageSeen({"apsw": "3.54.1.0"}, "3.54.1"),
    camera=CameraSeen("rays", 20.0, 320, 240),
    sandbox=SandboxSeen(SANDBOX_A),
    terminal=TERMINAL,
    workspace=WorkspaceSeen("/home/ada/cell", "checkout", "", 50_000_000_000),
    runtime=RuntimeFolderSeen("/run/user/1000/aspire", 60),
)


def test_a_good_machine_is_healthy_and_every_line_says_ok() -> None:
    report = report_on(WELL)
    assert report.healthy
    assert all(line.startswith(("ok ", "     ")) for line in report.lines())
    assert all(len(line) <= 100 for line in report.lines())


def test_the_report_is_plain_data() -> None:
    data = msgspec.to_builtins(report_on(WELL))
    assert data["healthy"] is True
    assert data["seen"]["camera"]["frame_ms"] == 20.0
    assert {f["code"] for f in data["findings"]} >= {
        "python",
        "mujoco",
        "sandbox",
        "sqlite",
        "disk",
    }


ILL = [
    ("python", {"python": (3, 10, 12)}, "error", "3.11"),
    ("mujoco", {"mujoco": PackageSeen({})}, "error", "pip install 'mujoco"),
    (
        "mujoco",
        {"mujoco": PackageSeen({"mujoco": "4.0.0"}, error="ImportError: no mjspec")},
        "error",
        "--force-reinstall --no-deps mujoco mujoco-core mujoco-studio",
    ),
    ("mujoco", {"mujoco": PackageSeen({"mujoco": "3.8.1"}, "3.8.1")}, "error", "uninstall"),
    ("sqlite", {"sqlite": PackageSeen({"apsw": "3.40"}, "3.40.1")}, "error", "--upgrade 'apsw"),
    ("sqlite", {"sqlite": PackageSeen({}, error="no module")}, "error", "pip install 'apsw"),
    ("camera", {"camera": CameraSeen(error="no model")}, "error", "no model"),
    ("camera", {"camera": CameraSeen("rays", 300.0, 640, 480)}, "warn", "fewer workers"),
    ("sandbox", {"sandbox": SandboxSeen(error="A: EPERM")}, "error", "A: EPERM"),
    ("sandbox", {"sandbox": SandboxSeen(SANDBOX_B)}, "warn", "userns_clone=1"),
    ("workspace", {"workspace": WorkspaceSeen("/x", "y", "read-only")}, "error", "--workspace"),
    ("disk", {"workspace": WorkspaceSeen("/x", "y", "", 4_000_000_000)}, "warn", "4.0 GB"),
    (
        "disk",
        {"workspace": WorkspaceSeen("/x", "y", "", 900_000_000)},
        "error",
        "remove sessions you",
    ),
    ("disk", {"workspace": WorkspaceSeen("/x", "y", "", None)}, "warn", "unknown"),
    ("runtime", {"runtime": RuntimeFolderSeen("/long", 120)}, "error", "XDG_RUNTIME_DIR"),
    ("runtime", {"runtime": RuntimeFolderSeen("", error="not ours")}, "error", "not ours"),
    ("system", {"system": "Darwin 24 arm64"}, "warn", "nothing else has been tested"),
]


@pytest.mark.parametrize(("code", "change", "severity", "said"), ILL)
def test_what_is_wrong_is_named_with_the_remedy(
    code: str, change: dict[str, object], severity: str, said: str
) -> None:
    report = report_on(msgspec.structs.replace(WELL, **change))
    (found,) = [f for f in report.findings if f.code == code]
    assert found.severity == severity
    assert report.healthy is (severity != "error")
    text = " ".join(" ".join(report.lines()).split())
    assert said in text


def test_a_lower_sandbox_says_which_layer_is_missing() -> None:
    found = checks.check_sandbox(SandboxSeen(SANDBOX_B))
    assert "namespaces: unshare: EPERM" in found.why
    assert "got: stat /etc/passwd" in found.seen


def seen_of(environment: dict[str, str], **changes: object) -> dict[str, str]:
    seen = msgspec.structs.replace(TERMINAL, environment=environment, **changes)
    return {f.code: f.seen for f in check_terminal(seen)}


@pytest.mark.parametrize(
    ("environment", "code", "said"),
    [
        ({"TERM": "xterm-256color"}, "colours", "256"),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, "colours", "24 bit"),
        ({"TERM": "xterm"}, "colours", "16, as far as TERM says"),
        ({"TERM": "dumb"}, "colours", "none"),
        ({"TERM": "xterm", "COLORTERM": "truecolor", "NO_COLOR": "1"}, "colours", "none: NO_COLOR"),
        ({"TERM": "xterm-kitty"}, "pixels", "not asked"),
        ({"TERM": "xterm-256color"}, "pixels", "unknown"),
        ({"TERM": "tmux-256color", "TMUX": "x", "KITTY_WINDOW_ID": "1"}, "pixels", "unknown"),
        ({"TERM": "tmux-256color", "TMUX": "x"}, "terminal", "in tmux, 120×40"),
    ],
)
def test_the_terminal_is_judged_by_what_it_says(
    environment: dict[str, str], code: str, said: str
) -> None:
    assert said in seen_of(environment)[code]


def test_a_small_or_nameless_terminal_and_odd_characters_are_warned_of() -> None:
    seen = TerminalSeen(True, 60, 20, "ascii", {})
    warned = {f.code: f.do for f in check_terminal(seen) if f.severity == "warn"}
    assert len(warned["terminal"]) == 2
    assert "export LANG=C.UTF-8" in warned["characters"]
    (piped,) = check_terminal(msgspec.structs.replace(seen, is_tty=False))
    assert piped.severity == "info"


def test_probing_a_workspace_leaves_nothing_behind(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "new", "--workspace", tmp_path)
    seen = probes.look_at_workspace(workspace)
    assert seen.error == "" and seen.free_bytes
    assert list(tmp_path.iterdir()) == []


def test_a_workspace_below_a_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    workspace = Workspace(tmp_path / "file", "--workspace", tmp_path)
    assert probes.look_at_workspace(workspace).error


def test_a_machine_that_runs_these_tests_can_be_examined(tmp_path: Path) -> None:
    report = examine(Workspace(tmp_path, "--workspace", tmp_path))
    seen = report.seen
    assert seen.mujoco.error == "" and seen.mujoco.version.startswith("4.")
    assert seen.camera.error == "" and seen.camera.frame_ms
    assert seen.sandbox.report is not None or seen.sandbox.error


def test_serial_ports_speak_with_the_words_of_the_drivers() -> None:
    seen = SerialSeen(
        (
            SerialPortSeen("/dev/serial/by-id/usb-a", False, "dialout", 16, "/sys/latency_timer"),
            SerialPortSeen("/dev/ttyACM0", True),
        ),
        ("1a86:7523 at 1-2",),
    )
    found = {f.code: f for f in checks.check_serial(seen)}
    assert set(found) == {"port_permission", "latency_timer", "port_stolen", "hardware"}
    assert "usermod -aG dialout" in found["port_permission"].do[0]
    assert found["latency_timer"].seen == "16 ms"
    assert "brltty" in found["port_stolen"].why
    assert "emulator only" in found["hardware"].seen


NO_LOGOUT = LogoutSeen()


@pytest.mark.parametrize(
    ("seen", "severity", "said"),
    [
        (NO_LOGOUT, "info", "no logind here"),
        (LogoutSeen(True, True, False, "logind says so"), "error", "would be ended"),
        (LogoutSeen(True, True, True), "info", "lingers"),
        (LogoutSeen(True, False, False, "/etc/systemd/logind.conf"), "info", "processes stay"),
        (LogoutSeen(True, None), "warn", "not set"),
    ],
)
def test_the_doctor_says_what_a_log_out_would_do(
    seen: LogoutSeen, severity: str, said: str
) -> None:
    found = check_logout(seen)
    assert found.severity == severity and said in found.seen
    assert (found.do == ("loginctl enable-linger",)) == (severity != "info")


def test_logind_is_asked_and_else_its_files_read(tmp_path: Path) -> None:
    assert look_at_logout(tmp_path, lambda _: "") == NO_LOGOUT
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    assert look_at_logout(tmp_path, lambda _: "b true\n", "ada").kills is True
    assert look_at_logout(tmp_path, lambda _: "", "ada").kills is None
    main, extra = (
        tmp_path / "etc/systemd/logind.conf",
        tmp_path / "etc/systemd/logind.conf.d/9.conf",
    )
    extra.parent.mkdir(parents=True)
    main.write_text("[Login]\n#KillUserProcesses=no\nKillUserProcesses=yes\n")
    assert look_at_logout(tmp_path, lambda _: "", "ada").kills is True
    extra.write_text("[Login]\nKillUserProcesses=no\n")
    seen = look_at_logout(tmp_path, lambda _: "", "ada")
    assert (seen.kills, seen.source) == (False, "/etc/systemd/logind.conf.d/9.conf")
    linger = tmp_path / "var/lib/systemd/linger/ada"
    linger.parent.mkdir(parents=True)
    linger.touch()
    assert look_at_logout(tmp_path, lambda _: "", "ada").lingers


def test_keys_of_providers_are_told_by_name_and_never_by_value() -> None:
    seen = look_at_providers({"ANTHROPIC_API_KEY": "sk-ant-very-secret", "OPENAI_API_KEY": ""})
    clients, keys = check_providers(seen)
    assert keys.seen == "ANTHROPIC_API_KEY set, OPENAI_API_KEY not set"
    assert "very-secret" not in repr((seen, clients, keys))
    (lacking, _) = check_providers(ProvidersSeen({}, seen.keys))
    assert "not installed: pydantic-ai-slim" in lacking.seen
    assert "aspire-tui[llm]" in lacking.do[0] and lacking.severity == "info"
