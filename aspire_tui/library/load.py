"""Reads skill folders. A bad skill is one named error; the others still load."""

from __future__ import annotations

import hashlib
import math
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import msgspec

from aspire_tui.errors import ConfigError
from aspire_tui.library.front_matter import NAME, read_front_matter
from aspire_tui.library.ledger import Ledger
from aspire_tui.library.promotion import hidden_by
from aspire_tui.library.sketch import read_sketch
from aspire_tui.library.skill import API_VERSION, Evidence, Parameter, Rate, Skill, SkillFile
from aspire_tui.strict_toml import parse_toml, suggestion

T = TypeVar("T")

LARGEST_FILE = 256 * 1024
"""Bytes of one file of a skill."""
MOST_FILES = 64
PROOF = "proof"
"""Folder of a skill with the programs it is proven on, ``TASK.py`` each; without, the plain one."""
MOST_VALUES = 50
"""Values the search may try for one parameter."""


@dataclass(frozen=True)
class Problem:
    """A folder that holds no usable skill, and why, in one line."""

    folder: str
    text: str


@dataclass(frozen=True)
class Library:
    """The skills at hand, sorted by name, and the folders that could not be read."""

    skills: tuple[Skill, ...]
    problems: tuple[Problem, ...] = ()

    def get(self, name: str) -> Skill:
        """One skill by name; an unknown name is a ConfigError that names the nearest."""
        for skill in self.skills:
            if skill.name == name:
                return skill
        known = [s.name for s in self.skills]
        raise ConfigError(f"no skill is called {name!r}; {suggestion(name, known)}")

    def superseded(self) -> Mapping[str, str]:
        """Names of skills that another one replaces, with the name of that one."""
        return self._superseded

    def answering(self, primitive: str) -> tuple[Skill, ...]:
        """Skills in use whose signature names this primitive, by name."""
        return self._answering.get(primitive, ())

    @cached_property
    def _superseded(self) -> Mapping[str, str]:
        return {old: s.name for s in self.skills for old in s.definition.supersedes}

    @cached_property
    def _answering(self) -> Mapping[str, tuple[Skill, ...]]:
        """Counted once: a library is asked at every failing call."""
        found: dict[str, list[Skill]] = {}
        for skill in self.skills:
            if skill.name not in self._superseded:
                for primitive in dict.fromkeys(skill.definition.signature.primitives):
                    found.setdefault(primitive, []).append(skill)
        return {name: tuple(skills) for name, skills in found.items()}


def load_library(folders: Sequence[Path]) -> Library:
    """All skills in these folders; of two with one name, the one in the earlier folder.

    A folder that does not exist holds no skills. What a folder's ledger retired is left out,
    also of the folders after it; a tampered ledger is a problem, and the skills still load.
    """
    skills: dict[str, Skill] = {}
    problems: list[Problem] = []
    hidden: frozenset[str] = frozenset()
    for folder in folders:
        if not folder.is_dir():
            continue
        try:
            hidden |= hidden_by(Ledger(folder, _no_time).entries())
        except ConfigError as error:
            problems.append(Problem(str(folder), str(error)))
        for each in sorted(folder.iterdir()):
            if not each.is_dir() or each.name.startswith((".", "_")):
                continue
            try:
                skill = load_skill(each)
            except ConfigError as error:
                problems.append(Problem(str(each), str(error)))
                continue
            if skill.name not in hidden:
                skills.setdefault(skill.name, skill)
    return Library(tuple(sorted(skills.values(), key=lambda s: s.name)), tuple(problems))


def _no_time() -> float:
    raise RuntimeError("a library is read, never written")


def load_skill(folder: Path) -> Skill:
    """Read and check one skill folder.

    Raises:
        ConfigError: One line: the file, what is wrong, what would be right.
    """
    files = _read_files(folder)
    for needed in ("SKILL.md", "skill.toml"):
        if needed not in files:
            raise ConfigError(f"{folder}: has no {needed}")
    front = _at(folder / "SKILL.md", lambda: read_front_matter(_text(files["SKILL.md"])))
    if front.name != folder.name:
        raise ConfigError(f"{folder / 'SKILL.md'}: name {front.name!r} is not the folder's name")
    where = folder / "skill.toml"
    toml = _at(where, lambda: _text(files["skill.toml"]))
    definition = parse_toml(toml, SkillFile, str(where))
    _at(where, lambda: _check_definition(definition, front.name))
    repair = definition.repair
    path = f"scripts/{repair.sketch}"
    if path not in files:
        scripts = [f.removeprefix("scripts/") for f in files if f.startswith("scripts/")]
        raise ConfigError(f"{where}: there is no {path}; {suggestion(repair.sketch, scripts)}")
    sketch = _at(
        folder / path,
        lambda: read_sketch(_text(files[path]), repair.splice, repair.parameters),
    )
    evidence = Evidence()
    if "evidence.json" in files:
        evidence = _at(folder / "evidence.json", lambda: _read_evidence(files["evidence.json"]))
    return Skill(
        name=front.name,
        description=front.description,
        metadata=front.metadata,
        text=front.body,
        folder=str(folder),
        definition=definition,
        sketch=sketch.text,
        uses=sketch.uses,
        evidence=evidence,
        digest=digest_of(files),
    )


def digest_of(files: Mapping[str, bytes]) -> str:
    """sha256 over names and contents of the files that say what a skill does.

    Without its evidence, which names it, without the programs it is proven on, and without
    SKILL.md: prose proves and breaks nothing.
    """
    h = hashlib.sha256()
    for name in sorted(files):
        if name not in ("evidence.json", "SKILL.md") and not name.startswith(f"{PROOF}/"):
            for part in (name.encode(), files[name]):
                h.update(len(part).to_bytes(8, "big") + part)
    return h.hexdigest()


def _read_files(folder: Path) -> dict[str, bytes]:
    """Every file by its path in the folder. A link could lead anywhere, so none is followed."""
    files: dict[str, bytes] = {}
    try:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_symlink():
                raise ConfigError(f"{path}: is a link; a skill is plain files")
            if not path.is_file() or "__pycache__" in path.parts:
                continue
            if len(files) == MOST_FILES:
                raise ConfigError(f"{folder}: has more than {MOST_FILES} files")
            if path.stat().st_size > LARGEST_FILE:
                raise ConfigError(f"{path}: is larger than {LARGEST_FILE // 1024} KiB")
            files[name] = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{error.filename or folder}: {error.strerror}") from None
    return files


def _text(data: bytes) -> str:
    """Text without characters that would fool a reader or a terminal."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigError("is not UTF-8 text") from None
    for number, line in enumerate(text.split("\n"), 1):
        for c in line.rstrip("\r"):
            if c != "\t" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co"):
                raise ConfigError(f"line {number}: holds the invisible character U+{ord(c):04X}")
    return text


def _at(path: Path, read: Callable[[], T]) -> T:
    """Name the file in whatever is wrong with it."""
    try:
        return read()
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def _check_definition(definition: SkillFile, name: str) -> None:
    if definition.api_version != API_VERSION:
        raise ConfigError(
            f"api_version is {definition.api_version}, this release reads {API_VERSION}"
        )
    signature = definition.signature
    if not signature.primitives:
        raise ConfigError("signature.primitives is empty; name the primitive that fails")
    if not signature.statuses and not signature.checks:
        raise ConfigError(
            "signature needs statuses or checks: what tells this failure from success"
        )
    if name in definition.supersedes:
        raise ConfigError("supersedes: a skill cannot replace itself")
    for other in definition.supersedes:
        if not NAME.match(other):
            raise ConfigError(f"supersedes: {other!r} is no skill name")
    if "/" in definition.repair.sketch or "\\" in definition.repair.sketch:
        raise ConfigError("repair.sketch is a file name below scripts/, without folders")
    for key, p in definition.repair.parameters.items():
        _check_parameter(f"repair.parameters.{key}", key, p)


def _check_parameter(where: str, name: str, p: Parameter) -> None:
    if not name.isidentifier():
        raise ConfigError(f"{where}: the name must be a Python name")
    if not all(math.isfinite(v) for v in (p.default, p.lo, p.hi, p.step)):
        raise ConfigError(f"{where}: default, lo, hi and step must be finite")
    if not p.lo <= p.default <= p.hi:
        raise ConfigError(f"{where}: default {p.default:g} is outside {p.lo:g} to {p.hi:g}")
    if p.step <= 0 or (p.hi - p.lo) / p.step >= MOST_VALUES:
        raise ConfigError(f"{where}: step must give 1 to {MOST_VALUES} values")
    if p.whole and any(v != round(v) for v in (p.default, p.lo, p.hi, p.step)):
        raise ConfigError(f"{where}: whole, but default, lo, hi or step is not")


def _read_evidence(data: bytes) -> Evidence:
    try:
        evidence = msgspec.json.decode(data, type=Evidence)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(str(error)) from None
    for i, proof in enumerate(evidence.proofs):
        for side, rate in (("with", proof.rate_with), ("without", proof.rate_without)):
            _check_rate(f"proofs[{i}].{side}", rate)
            if rate.n != len(proof.seeds):
                raise ConfigError(
                    f"proofs[{i}].{side}: n is {rate.n}, but there are {len(proof.seeds)} seeds"
                )
    return evidence


def _check_rate(where: str, rate: Rate) -> None:
    if not 0 <= rate.k <= rate.n or rate.n == 0:
        raise ConfigError(f"{where}: {rate.k} of {rate.n} is no rate")
    if not 0 <= rate.lo <= rate.k / rate.n <= rate.hi <= 1:
        raise ConfigError(f"{where}: {rate.k}/{rate.n} is outside its interval")
