"""What the record keeps of arguments and results: values when small, shapes when large."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from aspire_tui.domain import JSON
from aspire_tui.environment.outcome import PrimitiveOutcome
from aspire_tui.rollout.sandbox.api import Answer, ResultValue

SMALL_ARRAY = 16
TEXT_KEPT = 300
ITEMS_KEPT = 24


def summarise(value: Any, depth: int = 0) -> JSON:
    """A JSON value a person can read, bounded whatever it is given."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return value if len(value) <= TEXT_KEPT else value[:TEXT_KEPT] + "…"
    if isinstance(value, np.generic):
        return summarise(value.item(), depth)
    if isinstance(value, np.ndarray):
        return _summarise_array(value)
    if isinstance(value, ResultValue):
        return {"status": value.status, "detail": value.detail, **summarise(value.fields, depth)}
    if isinstance(value, msgspec.Struct):
        return summarise(msgspec.structs.asdict(value), depth)
    if depth >= 4:
        return f"<{type(value).__name__}>"
    if isinstance(value, Mapping):
        items = list(value.items())[:ITEMS_KEPT]
        return {str(k)[:60]: summarise(v, depth + 1) for k, v in items}
    if isinstance(value, (list, tuple)):
        kept = [summarise(v, depth + 1) for v in value[:ITEMS_KEPT]]
        return kept if len(value) <= ITEMS_KEPT else [*kept, f"… {len(value)} in all"]
    return f"<{type(value).__name__}>"


def _summarise_array(a: np.ndarray[Any, Any]) -> JSON:
    if a.size <= SMALL_ARRAY and a.dtype.kind in "fiub":
        return summarise(
            np.round(a.astype(float), 6).tolist() if a.dtype.kind == "f" else a.tolist()
        )
    what = f"{a.dtype} {'×'.join(str(n) for n in a.shape)}"
    if a.dtype == bool:
        return f"<mask {what}, {int(a.sum())} set>"
    return f"<array {what}>"


def answer_of(outcome: PrimitiveOutcome) -> Answer:
    """What the program gets: the value, or ``PrimitiveError`` where the upstream name raised."""
    if outcome.raises:
        return Answer(error=(outcome.status, outcome.summary))
    return Answer(_given(outcome.value, outcome.status, outcome.summary))


def _given(value: Any, status: str, summary: str) -> Any:
    """Structs as results with attributes, wherever they stand in a value."""
    if isinstance(value, ResultValue):
        return value
    if isinstance(value, msgspec.Struct):
        fields = msgspec.structs.asdict(value)
        fields.pop("status", None)
        said = fields.pop("says", status)
        detail = str(fields.pop("detail", summary))
        return ResultValue(said, detail, {k: _given(v, "OK", "") for k, v in fields.items()})
    if isinstance(value, dict):
        return {k: _given(v, "OK", "") for k, v in value.items()}
    if isinstance(value, list):
        return [_given(v, "OK", "") for v in value]
    return value
