"""Where programs cannot be held in none is run: refused, with the flag that waives it."""

from __future__ import annotations

import msgspec
import pytest

from aspire_tui.commands.jobs import make_job, tasks_named
from aspire_tui.config import find_workspace
from aspire_tui.domain import Budget, RunSpec
from aspire_tui.engine.spawn import EngineNotStarted, start_engine


def job_on(bench, monkeypatch: pytest.MonkeyPatch, cell: str, attended: bool):  # type: ignore[no-untyped-def]
    for name, value in bench.environment.items():
        monkeypatch.setenv(name, value)
    workspace = find_workspace(bench.home)
    spec = RunSpec(
        verb="exec", tasks=("cube_lift",), cell=cell, agent="manual", seed=0, attended=attended,
        budget=Budget(), program="RESULT = True", workers=1,
    )  # fmt: skip
    return make_job(spec, tasks_named(["cube_lift"], workspace), workspace)


@pytest.mark.parametrize("attended", [False, True])
def test_without_any_level_it_is_refused_and_the_flag_is_named(  # type: ignore[no-untyped-def]
    bench, monkeypatch, attended: bool
) -> None:
    job = msgspec.structs.replace(job_on(bench, monkeypatch, "yam", attended), levels=())
    with pytest.raises(EngineNotStarted, match="--i-accept-no-sandbox") as refused:
        start_engine(job)
    assert refused.value.code == 3
    assert list((bench.home / "sessions").glob("*.db")) == [], "nothing was begun"
