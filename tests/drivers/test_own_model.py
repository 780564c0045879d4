"""A model that is not there is one line, not a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.cellfile import load_cell
from drivers.device_plant import arm_models
from drivers.errors import CellFileError

CELL = Path(__file__).parents[2] / "docs" / "examples" / "arm.toml"


@pytest.mark.parametrize(
    ("model", "words"),
    [("so102", "no model 'so102'; there are"), ("so101", "does not fit its model")],
)
def test_an_arm_whose_model_is_not_there_or_another_is_refused(
    model: str, words: str, tmp_path: Path
) -> None:
    file = tmp_path / "arm.toml"
    file.write_text(CELL.read_text().replace('model = "none"', f'model = "{model}"'))
    with pytest.raises(CellFileError, match=words) as refused:
        arm_models(load_cell(file).info, file)
    assert "\n" not in str(refused.value)
    assert arm_models(load_cell(CELL).info, CELL) == ({}, None)
