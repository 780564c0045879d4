"""The wheel carries what it needs to run far from any checkout."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent


def tracked() -> list[str]:
    """Files of the checkout that a clean clone would have, as far as they still exist."""
    done = subprocess.run(
        ["git", "ls-files", "-z"], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.skip("not a git checkout")
    return [name for name in done.stdout.split("\0") if name and (CHECKOUT / name).is_file()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a clean clone."""
    clone = tmp_path_factory.mktemp("clone")
    for name in tracked():
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(CHECKOUT / name, clone / name)
    out = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)],
        cwd=clone,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (built,) = out.glob("*.whl")
    return built


def test_everything_beside_the_code_travels_along(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    expected = {n for n in tracked() if n.startswith(("aspire_tui/", "drivers/"))}
    expected |= {
        f"aspire_tui/shipped/{n}" for n in tracked() if n.startswith(("skills/", "sessions/"))
    }
    assert expected - inside == set()


def test_nothing_else_does(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {t for t in tops if not t.endswith(".dist-info")} == {"aspire_tui", "drivers"}
    junk = ("-wal", "-shm", ".pyc", ".ballast")
    assert [n for n in names if n.endswith(junk) or "__pycache__" in n] == []


def test_an_installed_wheel_finds_what_ships(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "home").mkdir()
    code = """
import json
from aspire_tui.config import find_cell, find_workspace, load_cell, load_settings
from aspire_tui.environment.task_file import find_task, task_names
from aspire_tui.library.load import load_library
w = find_workspace()
load_settings(w)
tasks = task_names(w.task_folders())
for name in tasks: find_task(name, w.task_folders())
print(json.dumps({
    "source": w.source, "root": str(w.root), "shipped": str(w.shipped),
    "folders": [f.is_dir() for f in (w.shipped / "skills", w.shipped / "sessions")],
    "cell": load_cell(find_cell("yam", w.cell_folders())).info.name, "tasks": tasks,
    "problems": [p.text for p in load_library(w.skill_folders()).problems],
}))
"""
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        cwd=tmp_path / "elsewhere",
        env={
            "HOME": str(tmp_path / "home"),
            "PYTHONPATH": f"{tmp_path / 'site'}:{_dependencies()}",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["source"] == "user data directory"
    assert found["root"].startswith(str(tmp_path / "home"))
    assert found["shipped"] == str(tmp_path / "site" / "aspire_tui" / "shipped")
    assert found["folders"] == [True, True]
    assert (found["cell"], found["problems"]) == ("yam", [])
    assert {"cube_lift", "cube_stack", "cube_restack"} <= set(found["tasks"])


def _dependencies() -> Path:
    """Where packages are installed, without the link back to this checkout (-S skips .pth)."""
    import msgspec

    return Path(msgspec.__file__).parent.parent


def test_the_command_and_the_licence_are_declared() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    assert project["scripts"] == {"aspire-tui": "aspire_tui.entry:main"}
    assert project["license"] == "Apache-2.0" and (CHECKOUT / "LICENSE").is_file()


def test_the_command_says_which_release_it_is() -> None:
    release = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["version"]
    command = [sys.executable, "-m", "aspire_tui.cli", "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said == f"aspire-tui {release}\n"


def test_clean_clones_have_the_folders_that_ship() -> None:
    for name in ("skills", "sessions"):
        assert any(n.startswith(f"{name}/") for n in tracked())


def test_scripts_may_be_run() -> None:
    for name in (".ci/run", ".ci/setup"):
        assert (CHECKOUT / name).stat().st_mode & 0o111
