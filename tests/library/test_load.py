"""Skill folders: what is read, what is refused, and which of two wins."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from aspire_tui.errors import ConfigError
from aspire_tui.library.front_matter import read_front_matter
from aspire_tui.library.load import load_library, load_skill
from aspire_tui.library.skill import Parameter

FIXTURES = Path(__file__).parent / "fixtures"
SKILL = "regrasp-after-empty"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FIXTURES / SKILL, tmp_path / "skills" / SKILL))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_skill_is_read_whole() -> None:
    skill = load_skill(FIXTURES / SKILL)
    assert skill.description.startswith("The gripper closed on nothing. Open, go up")
    assert skill.metadata == {"version": "1", "family": "grasp"}
    assert skill.definition.signature.statuses == ("EMPTY_GRASP",)
    assert skill.uses == (
        "close_gripper",
        "goto_pose",
        "home_pose",
        "open_gripper",
        "sample_grasp_pose",
    )
    assert skill.defaults() == {"tries": 2, "lower_m": 0.01}
    assert skill.evidence.proofs[0].rate_with.k == 9
    assert skill.proven_on("cube_lift") and not skill.proven_on("cube_stack")


def test_parameters_list_what_the_search_may_try() -> None:
    metres = Parameter(default=0.01, lo=0.0, hi=0.02, step=0.005)
    assert metres.values() == (0.0, 0.005, 0.01, 0.015, 0.02)
    assert metres.literal(0.015) == "0.015"
    assert Parameter(default=2, lo=1, hi=3, step=1, whole=True).literal(2.0) == "2"


def test_a_bad_skill_is_one_named_line_and_the_others_load(folder: Path) -> None:
    shutil.copytree(FIXTURES / "look-again-from-home", folder.parent / "look-again-from-home")
    edit(folder / "skill.toml", "[applies]", "[aplies]")
    library = load_library([folder.parent])
    assert [s.name for s in library.skills] == ["look-again-from-home"]
    (problem,) = library.problems
    assert problem.folder == str(folder)
    assert problem.text.endswith("skill.toml: unknown key 'aplies'; did you mean 'applies'?")


def test_the_workspace_wins_over_what_ships(folder: Path) -> None:
    edit(folder / "skill.toml", 'author = "test"', 'author = "ada"')
    own_first = load_library([folder.parent, FIXTURES])
    assert [s.name for s in own_first.skills] == ["look-again-from-home", SKILL]
    assert own_first.get(SKILL).definition.provenance.author == "ada"
    shipped_first = load_library([FIXTURES, folder.parent])
    assert shipped_first.get(SKILL).definition.provenance.author == "test"


def test_a_missing_folder_holds_no_skills(tmp_path: Path) -> None:
    assert load_library([tmp_path / "none"]).skills == ()
    with pytest.raises(ConfigError, match=r"no skill is called 'regrap'; there are none"):
        load_library([]).get("regrap")
    with pytest.raises(ConfigError, match=r"did you mean 'regrasp-after-empty'\?"):
        load_library([FIXTURES]).get("regrasp-empty")


def test_the_digest_names_the_content_and_not_the_evidence(folder: Path) -> None:
    before = load_skill(folder).digest
    assert load_skill(FIXTURES / SKILL).digest == before
    (folder / "evidence.json").write_text('{"proofs": []}')
    assert load_skill(folder).digest == before
    edit(folder / "scripts" / "regrasp.py", "# again", "# once more")
    assert load_skill(folder).digest != before


TOML = "skill.toml"
SKETCH = "scripts/regrasp.py"
WRONG: list[tuple[str, str, str, str]] = [
    (TOML, "api_version = 1", "api_version = 2", "api_version is 2, this release reads 1"),
    (TOML, '["close_gripper"]', "[]", "signature.primitives is empty"),
    (TOML, 'statuses = ["EMPTY_GRASP"]', "", "needs statuses or checks"),
    (TOML, '"EMPTY_GRASP"', '"EMPTY"', "signature.statuses"),
    (TOML, "lo = 1", "lo = 5", "default 2 is outside 5 to 3"),
    (TOML, "step = 0.005", "step = 0.0", "step must give 1 to 50 values"),
    (TOML, "step = 0.005", "step = nan", "must be finite"),
    (TOML, "default = 2", "default = 2.5", "whole, but"),
    (TOML, '"regrasp.py"', '"regrap.py"', "did you mean 'regrasp.py'"),
    (TOML, '"regrasp.py"', '"../../x.py"', "without folders"),
    (TOML, "lower_m", "lower_mm", "'lower_mm' is not used by the sketch"),
    (TOML, 'splice = "replace"', 'splice = "instead"', "repair.splice"),
    (TOML, 'splice = "replace"', 'splice = "before"', "{call} has no meaning"),
    (TOML, 'splice = "replace"', 'splice = "wrap"', "{call} has no meaning"),
    (SKETCH, "home_pose()", "home_pose(", "not Python"),
    (SKETCH, "home_pose()", "import os", "Import is not allowed"),
    (SKETCH, "home_pose()", "open('/etc/passwd')", "open is not allowed"),
    (SKETCH, "home_pose()", "().__class__", ".__class__ is not allowed"),
    (SKETCH, "home_pose()", "RESULT = True", "RESULT is not allowed"),
    (SKETCH, "home_pose()", "x = '''a\nb'''", "over several lines"),
    (SKETCH, "{tries}", "{ tries }", "without spaces"),
    (SKETCH, "answer =", "result =", "must assign 'answer'"),
    (SKETCH, "# again", "# \u202eagain", "invisible character U+202E"),
    ("SKILL.md", "regrasp-after-empty", "regrasp", "is not the folder's name"),
    ("SKILL.md", "family: grasp", "family: \x1b[2J", "invisible character U+001B"),
    ("evidence.json", '"k": 9', '"k": 11', "11 of 10 is no rate"),
    ("evidence.json", '"hi": 0.982', '"hi": 0.7', "outside its interval"),
    ("evidence.json", "[101, ", "[", "n is 10, but there are 9 seeds"),
    ("evidence.json", '"seeds"', '"seed"', "unknown field"),
]


@pytest.mark.parametrize(("file", "old", "new", "said"), WRONG)
def test_what_is_refused(folder: Path, file: str, old: str, new: str, said: str) -> None:
    edit(folder / file, old, new)
    with pytest.raises(ConfigError) as error:
        load_skill(folder)
    text = str(error.value)
    assert said in text
    assert text.startswith(str(folder)) and "\n" not in text


def delete_toml(folder: Path) -> None:
    (folder / "skill.toml").unlink()


def link_sketch(folder: Path) -> None:
    (folder / SKETCH).unlink()
    (folder / SKETCH).symlink_to(FIXTURES / SKILL / SKETCH)


def bloat(folder: Path) -> None:
    (folder / "video.bin").write_bytes(bytes(300 * 1024))


def crowd(folder: Path) -> None:
    for i in range(80):
        (folder / f"{i}.txt").touch()


def binary(folder: Path) -> None:
    (folder / "SKILL.md").write_bytes(b"---\n\xff\xfe")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (delete_toml, "has no skill.toml"),
        (link_sketch, "is a link"),
        (bloat, "larger than 256 KiB"),
        (crowd, "more than 64 files"),
        (binary, "not UTF-8"),
    ],
)
def test_a_folder_that_is_not_plain_small_text(
    folder: Path, spoil: Callable[[Path], None], said: str
) -> None:
    spoil(folder)
    with pytest.raises(ConfigError, match=said):
        load_skill(folder)


def test_loading_runs_nothing(folder: Path, tmp_path: Path) -> None:
    trap = tmp_path / "ran"
    code = f"import pathlib; pathlib.Path({str(trap)!r}).touch()\n"
    for name in ("__init__.py", "conftest.py", "scripts/__init__.py", "sitecustomize.py"):
        (folder / name).write_text(code)
    load_skill(folder)
    assert not trap.exists()


def head(*lines: str) -> str:
    return "\n".join(["---", "name: a", "description: b", *lines, "---", "Body", ""])


def test_front_matter_reads_the_yaml_that_skills_use() -> None:
    text = head(
        "# a note",
        "license: 'it''s free'",
        "metadata:",
        '  a: "1\\u00e9"',
        "  b: |",
        "    x",
        "    y",
    )
    front = read_front_matter(text)
    assert front.metadata == {"a": "1é", "b": "x\ny"}
    assert front.body == "Body\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no front matter", "must begin with '---'"),
        ("---\nname: a\n", "no closing '---'"),
        (head("descripton: c"), "did you mean 'description'"),
        (head("name: again"), "given twice"),
        (head("metadata:", "  version: 1"), 'write "1"'),
        (head("metadata:", "  ok: true"), 'write "true"'),
        (head("metadata: {a: b}"), "must be a mapping of texts"),
        (head("license: [a, b]"), "put this text in quotes"),
        (head("license:", "  a: b"), "only metadata"),
        (head('license: "open'), "not a quoted text"),
        (head("just words"), "expected 'key: text'"),
        ("---\nname: Not_A_Name\ndescription: b\n---\n", "must be 1 to 64"),
        (f"---\nname: a\ndescription: {'x' * 1025}\n---\n", "has 1025 characters"),
    ],
)
def test_front_matter_refuses_by_line_or_key(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_front_matter(text)


def test_evidence_keeps_the_names_of_its_file() -> None:
    raw = json.loads((FIXTURES / SKILL / "evidence.json").read_text())["proofs"][0]
    assert {"with", "without", "seeds", "sessions", "hashes"} <= set(raw)
