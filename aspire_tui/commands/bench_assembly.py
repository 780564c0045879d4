"""``bench`` with all its experiments, which are modules of their own."""

from __future__ import annotations

from aspire_tui.commands import bench_first, bench_program, bench_skills
from aspire_tui.commands.bench_verbs import bench_app

__all__ = ["bench_app", "bench_first", "bench_program", "bench_skills"]
