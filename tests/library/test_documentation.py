"""The examples of docs/skills.md are read by the code they document."""

from __future__ import annotations

import re
from pathlib import Path

from aspire_tui.library.load import _read_evidence
from aspire_tui.library.sketch import read_sketch
from aspire_tui.library.skill import SkillFile
from aspire_tui.strict_toml import parse_toml

PAGE = Path(__file__).parents[2] / "docs" / "skills.md"
EXAMPLES = dict(re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL))


def test_the_documented_definition_and_sketch_belong_together() -> None:
    definition = parse_toml(EXAMPLES["toml"], SkillFile, str(PAGE))
    sketch = read_sketch(EXAMPLES["python"], definition.repair.splice, ["tries", "lower_m"])
    assert "sample_grasp_pose" in sketch.uses
    assert {"call", "object_name"} <= sketch.wanted()


def test_the_documented_evidence_is_evidence() -> None:
    (proof,) = _read_evidence(EXAMPLES["json"].encode()).proofs
    assert (proof.rate_with.k, proof.rate_without.k) == (2, 1)
