"""Where things are kept, strict settings, and which error ends with which code."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from aspire_tui.config import Settings, Workspace, load_settings, resolve_workspace
from aspire_tui.errors import AgentError, ConfigError, DiskFull, PolicyRefused, exit_code
from aspire_tui.strict_toml import convert_strictly, nearest, parse_toml, suggestion
from drivers.errors import CellFault, CellFileError, CellRefused


class Leaf(msgspec.Struct):
    width_m: float = 0.0


class Tree(msgspec.Struct):
    many: tuple[Leaf, ...] = ()
    pair: tuple[Leaf, int] | None = None
    named: dict[str, Leaf] = {}
    maybe: Leaf | None = None


def make_checkout(folder: Path) -> Path:
    (folder / "aspire_tui").mkdir(parents=True)
    (folder / "aspire_tui" / "__init__.py").touch()
    (folder / "pyproject.toml").write_text('[project]\nname = "aspire-tui"\n')
    return folder


def resolve(tmp_path: Path, given: Path | None = None, home: str = "", at: str = "") -> Workspace:
    """A wheel install (no checkout around the package) of someone standing in ``tmp_path/at``."""
    package = tmp_path / "site-packages" / "aspire_tui"
    package.mkdir(parents=True, exist_ok=True)
    return resolve_workspace(
        given,
        environment={"ASPIRE_TUI_HOME": home} if home else {},
        standing_in=tmp_path / at,
        user_data=tmp_path / "user-data",
        package=package,
    )


def test_workspace_is_chosen_in_order(tmp_path: Path) -> None:
    make_checkout(tmp_path / "src")
    (tmp_path / "src" / "docs").mkdir()
    (tmp_path / "given").mkdir()
    (tmp_path / "home").mkdir()
    home = str(tmp_path / "home")

    everything = resolve(tmp_path, tmp_path / "given", home, at="src/docs")
    assert (everything.root, everything.source) == (tmp_path / "given", "--workspace")
    variable = resolve(tmp_path, None, home, at="src/docs")
    assert (variable.root, variable.source) == (tmp_path / "home", "$ASPIRE_TUI_HOME")
    checkout = resolve(tmp_path, at="src/docs")
    assert (checkout.root, checkout.source) == (tmp_path / "src", "checkout")
    nowhere = resolve(tmp_path)
    assert (nowhere.root, nowhere.source) == (tmp_path / "user-data", "user data directory")


def test_somebody_elses_project_is_no_checkout(tmp_path: Path) -> None:
    project = make_checkout(tmp_path / "fork")
    (project / "pyproject.toml").write_text('[project]\nname = "something-else"\n')
    assert resolve(tmp_path, at="fork").source == "user data directory"
    (project / "pyproject.toml").write_text("not toml [")
    assert resolve(tmp_path, at="fork").source == "user data directory"


def test_what_ships_comes_from_wheel_or_own_checkout(tmp_path: Path) -> None:
    wheel = resolve(tmp_path)
    assert wheel.shipped == tmp_path / "site-packages" / "aspire_tui" / "shipped"
    assert wheel.skill_folders() == (tmp_path / "user-data" / "skills", wheel.shipped / "skills")

    checkout = make_checkout(tmp_path / "src")
    developed = resolve_workspace(
        None,
        environment={},
        standing_in=checkout,
        user_data=tmp_path / "user-data",
        package=checkout / "aspire_tui",
    )
    assert developed.skill_folders() == (checkout / "skills",)


def test_a_named_workspace_must_be_possible(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="is not a folder"):
        resolve(tmp_path, tmp_path / "file")
    with pytest.raises(ConfigError, match="does not exist"):
        resolve(tmp_path, tmp_path / "no" / "where")
    assert resolve(tmp_path, Path("new")).root == tmp_path / "new"


def test_resolving_creates_nothing_and_prepare_does(tmp_path: Path) -> None:
    workspace = resolve(tmp_path)
    assert not workspace.root.exists()
    workspace.prepare()
    assert workspace.sessions.is_dir()


def test_an_unwritable_workspace_says_so(tmp_path: Path) -> None:
    (tmp_path / "user-data").touch()
    with pytest.raises(ConfigError, match="--workspace"):
        resolve(tmp_path).prepare()


def test_settings_default_and_override(tmp_path: Path) -> None:
    workspace = resolve(tmp_path)
    assert load_settings(workspace) == Settings()
    workspace.prepare()
    workspace.settings_file.write_text('[run]\nworkers = 4\n[operator]\nname = "ada"\n')
    settings = load_settings(workspace)
    assert (settings.run.workers, settings.operator.name) == (4, "ada")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[run]\nworkrs = 2", r"unknown key 'run.workrs'; did you mean 'workers'\?"),
        ("[scren]\n", r"unknown key 'scren'; did you mean 'screen'\?"),
        ("[run]\nxyzzy = 2", r"unknown key 'run.xyzzy'; known: agent, cell, model"),
        ('[run]\nworkers = "two"', r"run.workers: Expected `int`, got `str`"),
        ("[run", "not valid TOML"),
    ],
)
def test_wrong_settings_name_file_key_and_remedy(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as error:
        parse_toml(text, Settings, "settings.toml")
    assert str(error.value).startswith("settings.toml: ")
    assert "\n" not in str(error.value)


def test_unknown_keys_are_found_inside_lists_tables_and_unions() -> None:
    for data, key in (
        ({"many": [{}, {"width": 1.0}]}, r"many\[1\].width"),
        ({"named": {"a": {"width": 1.0}}}, r"named.a.width"),
        ({"maybe": {"width": 1.0}}, r"maybe.width"),
    ):
        with pytest.raises(ConfigError, match=rf"{key}'; did you mean 'width_m'\?"):
            convert_strictly(data, Tree, "x")


@pytest.mark.parametrize(
    ("name", "found"),
    [("cube_stak", "cube_stack"), ("CUBE_LIFT", "cube_lift"), ("zzz", None), ("", None)],
)
def test_nearest_name(name: str, found: str | None) -> None:
    assert nearest(name, ["cube_stack", "cube_lift"]) == found


def test_a_hopeless_name_lists_what_is_known() -> None:
    assert suggestion("zzz", ["b", "a"]) == "known: a, b"
    assert suggestion("zzz", []) == "there are none"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("x"), 2),
        (CellFileError("x"), 2),
        (PolicyRefused("x"), 3),
        (CellRefused("limit", "x"), 3),
        (KeyboardInterrupt(), 4),
        (AgentError("x"), 5),
        (CellFault("x"), 5),
        (DiskFull("x"), 5),
        (ZeroDivisionError(), None),
        (ValueError("a defect, not bad input"), None),
    ],
)
def test_exit_code_says_who_must_act(error: BaseException, code: int | None) -> None:
    assert exit_code(error) == code


def test_cell_files_are_read_through_the_configuration(tmp_path: Path) -> None:
    from aspire_tui.config import find_cell, load_cell

    workspace = resolve(tmp_path)
    folders = (*workspace.cell_folders(), Path(__file__).parent.parent / "drivers" / "cells")
    assert load_cell(find_cell("yam", folders)).info.name == "yam"
    with pytest.raises(CellFileError, match="yam"):
        find_cell("yamm", folders)
