"""What an agent may look at: the answers of the tools that change nothing.

Only dev trials are open. Selection scenes decide and held-out scenes prove, so nobody who writes
programs may read their traces; the referee's words are in no answer.
"""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec
from PIL import Image

from aspire_tui.domain import JSON, Keyframe, Status
from aspire_tui.engine.book import Book
from aspire_tui.environment.primitives.registry import Primitive
from aspire_tui.environment.task import TaskDef
from aspire_tui.errors import ConfigError
from aspire_tui.events import VerdictGiven
from aspire_tui.evolution.growing import Idea
from aspire_tui.evolution.statistics import rate
from aspire_tui.evolution.tree import Tree
from aspire_tui.improvement.answers import (
    ArmBrief,
    BudgetLeft,
    CameraBrief,
    CellBrief,
    Comparison,
    JointBrief,
    Picture,
    PrimitiveLine,
    PrimitivePage,
    SkillLine,
    SkillPage,
    Standing,
)
from aspire_tui.improvement.tools import (
    CallBrief,
    CallDetail,
    CheckBrief,
    ToolRefused,
    TrialBrief,
)
from aspire_tui.library.load import Library
from aspire_tui.library.skill import Skill
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.rows import CallRow
from drivers.types import CellInfo

WIDEST_PX = 640
JPEG_QUALITY = 85
TEXT_KEPT = 8000
INDICES_SHOWN = 3
"""Most indices of calls in one answer; the others are asked for."""
ROWS_SHOWN = 40
ARGUMENTS_SHOWN = 300


@dataclass
class Looking:
    """Answers from the session, the tree, the library and the cell, all read-only."""

    task_def: TaskDef
    cell_info: CellInfo
    book: Book
    reader: SessionReader
    tree: Tree
    library: Library
    names: Mapping[str, Primitive]
    mine: Callable[[Idea], bool] = lambda _: True
    """Which ideas this agent may see."""
    _dev: set[int] = field(default_factory=set)

    async def task(self) -> TaskDef:
        return self.task_def

    async def cell(self) -> CellBrief:
        info = self.cell_info
        return CellBrief(
            name=info.name,
            kind=info.kind,
            arms=tuple(
                ArmBrief(
                    arm.name,
                    tuple(JointBrief(j.name, j.lo_rad, j.hi_rad, j.vmax_rad_s) for j in arm.joints),
                    arm.gripper.open_width_m,
                    arm.gripper.max_force_N,
                )
                for arm in info.arms
            ),
            cameras=tuple(
                CameraBrief(c.name, c.mount, c.width, c.height, c.depth) for c in info.cameras
            ),
            workspace_lo_m=info.workspace.lo_m,
            workspace_hi_m=info.workspace.hi_m,
            table_z_m=info.workspace.table_z_m,
            brands=info.brands,
        )

    async def primitives(self) -> list[PrimitiveLine]:
        found = sorted(self.names.items(), key=lambda item: (item[1].group, item[0]))
        return [
            PrimitiveLine(
                name, p.signature().replace(p.name, name, 1), p.group, p.moves, _first(p.doc)
            )
            for name, p in found
        ]

    async def primitive(self, name: str) -> PrimitivePage:
        if name not in self.names:
            raise ToolRefused(f"no primitive is called {name}; ask for the index: primitives")
        p = self.names[name]
        return PrimitivePage(
            name=name,
            signature=p.signature().replace(p.name, name, 1),
            doc=p.doc,
            returns=p.returns,
            statuses=p.statuses,
            aliases=p.aliases,
        )

    async def skills(self) -> list[SkillLine]:
        return [
            SkillLine(
                s.name,
                s.description,
                s.definition.signature.primitives,
                s.definition.signature.statuses,
                proof_of(s),
            )
            for s in self.library.skills
        ]

    async def skill(self, name: str) -> SkillPage:
        try:
            s = self.library.get(name)
        except ConfigError as error:
            raise ToolRefused(str(error)) from None
        parameters = {
            n: f"{p.default:g} {p.unit}, {p.lo:g} to {p.hi:g}: {p.what}".strip()
            for n, p in s.definition.repair.parameters.items()
        }
        return SkillPage(
            name=s.name,
            description=s.description,
            when=s.definition.applies.when,
            text=s.text[:TEXT_KEPT],
            sketch=s.sketch[:TEXT_KEPT],
            parameters=parameters,
            proof=proof_of(s),
        )

    async def budget(self) -> BudgetLeft:
        b, book = self.book.budget, self.book
        return BudgetLeft(
            trials=None if b.max_trials is None else max(0, b.max_trials - book.trials),
            minutes=None
            if b.max_minutes is None
            else round(max(0.0, b.max_minutes - book.minutes()), 1),
            tokens=None if b.max_tokens is None else max(0, b.max_tokens - book.tokens.total),
            cost_usd=None
            if b.max_cost_usd is None
            else round(max(0.0, b.max_cost_usd - book.tokens.cost_usd), 4),
            model_calls=None
            if b.max_model_calls is None
            else max(0, b.max_model_calls - book.model_calls),
            exhausted=book.exhausted(),
        )

    async def program(self, hypothesis: int) -> str:
        return self.tree.get(hypothesis).program

    async def calls(self, trial: int) -> list[CallBrief]:
        return [_line_of(r) for r in await self._rows(trial)]

    async def with_indices(self, briefs: list[TrialBrief]) -> list[TrialBrief]:
        """The same, with the index of calls beside failures that differ from those before them."""
        seen: set[tuple[str, Status, int]] = set()
        out = []
        for brief in briefs:
            wanted = brief.outcome != "PASS" and brief.implicated is not None
            if wanted and len(seen) < INDICES_SHOWN:
                rows = [_line_of(r) for r in await self._rows(brief.trial)]
                at = next((r for r in rows if r.call == brief.implicated), None)
                kind = None if at is None else (at.primitive, at.status, at.line)
                if at is not None and kind is not None and kind not in seen:
                    seen.add(kind)
                    detail = await self.call(brief.trial, at.call)
                    brief = msgspec.structs.replace(
                        brief,
                        calls=_around(rows, brief.implicated),
                        called_with=in_short(detail.args),
                    )
            out.append(brief)
        return out

    async def call(self, trial: int, call: int) -> CallDetail:
        await self._open(trial)
        row = await asyncio.to_thread(self.reader.call, trial, call)
        if row is None:
            raise ToolRefused(f"trial {trial} has no call {call}")
        result = row.result
        return CallDetail(
            call=call,
            primitive=row.intent.primitive,
            status=result.status if result else "FAULT",
            line=row.intent.line,
            args=row.intent.args,
            value=result.value if result else None,
            summary=result.summary if result else "no result: unknown outcome",
            error_m=result.error_m if result else None,
        )

    async def checks(self, trial: int) -> list[CheckBrief]:
        await self._open(trial)
        verdict = await asyncio.to_thread(self.verdict, trial)
        if verdict is None:
            return []
        return [
            CheckBrief(
                c.name,
                c.source,
                c.outcome,
                f"{_number(c.value)} {c.unit}, {_range(c.lo, c.hi)}. {c.why}".strip(),
            )
            for c in verdict.verdict.checks
        ]

    async def view(self, trial: int, call: int, camera: str = "", overlay: bool = True) -> Picture:
        await self._open(trial)
        return await asyncio.to_thread(self._view, trial, call, camera, overlay)

    def _view(self, trial: int, call: int, camera: str, overlay: bool) -> Picture:
        found = [k.keyframe for k in self.reader.keyframes(trial, call)]
        if not found:
            raise ToolRefused(f"no picture was kept of call {call} in trial {trial}")
        cameras = list(dict.fromkeys(k.camera for k in found))
        if camera and camera not in cameras:
            raise ToolRefused(f"call {call} used {', '.join(cameras)}, not {camera}")
        frame = next(k for k in found if k.camera == (camera or cameras[0]))
        drawn = overlay and frame.overlay is not None
        data, width, height = self._jpeg(frame, drawn, trial, call)
        return Picture(trial, call, frame.camera, drawn, width, height, "image/jpeg", data)

    def _jpeg(self, frame: Keyframe, drawn: bool, trial: int, call: int) -> tuple[str, int, int]:
        """The picture as base64 JPEG, no wider than a model is shown."""
        blob = frame.overlay if drawn and frame.overlay is not None else frame.rgb
        raw = self.reader.blob(blob.sha256)
        if raw is None:
            raise ToolRefused(f"the picture of call {call} in trial {trial} was pruned")
        with Image.open(io.BytesIO(raw)) as opened:
            shown = opened.convert("RGB")
        shown.thumbnail((WIDEST_PX, WIDEST_PX))
        out = io.BytesIO()
        shown.save(out, "JPEG", quality=JPEG_QUALITY)
        return base64.b64encode(out.getvalue()).decode(), shown.width, shown.height

    async def compare(self, a: int, b: int) -> Comparison:
        """The first call in which two trials differ, by name, line or status."""
        left, right = await self._rows(a), await self._rows(b)
        for same, (x, y) in enumerate(zip(left, right, strict=False)):
            why = _difference(x, y)
            if why:
                return Comparison(x.call, why, _line_of(x), _line_of(y), same)
        shorter = min(len(left), len(right))
        if len(left) == len(right):
            return Comparison(None, "the same calls with the same statuses", None, None, shorter)
        longer = left if len(left) > len(right) else right
        goes_on = _line_of(longer[shorter])
        return Comparison(
            goes_on.call,
            f"trial {b if longer is left else a} ends here, the other goes on",
            goes_on if longer is left else None,
            goes_on if longer is right else None,
            shorter,
        )

    async def leaderboard(self) -> list[Standing]:
        decided = {
            h.hypothesis: h.decided_reason for h in await asyncio.to_thread(self.reader.hypotheses)
        }
        out = [
            Standing(
                hypothesis=n.number,
                parent=n.parent,
                claim=n.claim,
                status=n.status,
                reason=decided.get(n.number, ""),
                dev=_rate_words(list(n.dev.values())),
                selection=_rate_words(list(n.selection.values())),
                lines=len(n.program.splitlines()),
            )
            for n in self.tree.nodes.values()
            if self.mine(n)
        ]
        best_first = sorted(
            (n for n in self.tree.nodes.values() if self.mine(n)),
            key=lambda n: (sum(n.selection.values()), sum(n.dev.values())),
            reverse=True,
        )
        order = {n.number: i for i, n in enumerate(best_first)}
        return sorted(out, key=lambda s: order[s.hypothesis])

    def verdict(self, trial: int) -> VerdictGiven | None:
        """The last verdict of a trial, the verifier's own."""
        found = None
        for recorded in self.reader.events(0, 1000, trial=trial, kinds=("verdict",)):
            if isinstance(recorded.event, VerdictGiven):
                found = recorded.event
        return found

    async def _rows(self, trial: int) -> list[CallRow]:
        await self._open(trial)
        return await asyncio.to_thread(self.reader.calls, trial)

    async def _open(self, trial: int) -> None:
        """Refuse every trial but those on dev scenes."""
        if trial in self._dev:
            return
        row = await asyncio.to_thread(self.reader.trial, trial)
        if row is None:
            raise ToolRefused(f"there is no trial {trial}")
        if row.seed_set != "dev":
            raise ToolRefused(f"trial {trial} ran on a {row.seed_set} scene; only dev is open")
        self._dev.add(trial)


def proof_of(skill: Skill) -> str:
    """Counted evidence in a line; never pooled over tasks or cells."""
    proofs = [
        f"{p.task}: with {p.rate_with.k}/{p.rate_with.n}, without "
        f"{p.rate_without.k}/{p.rate_without.n}"
        for p in skill.evidence.proofs
    ]
    return "; ".join(proofs) or "no proof"


def _line_of(r: CallRow) -> CallBrief:
    return CallBrief(r.call, r.primitive, r.status or "FAULT", r.line, r.duration_s, r.summary)


def in_short(args: Mapping[str, JSON]) -> str:
    """A call's arguments in one bounded line."""
    text = msgspec.json.encode(args).decode()
    return text if len(text) <= ARGUMENTS_SHOWN else f"{text[:ARGUMENTS_SHOWN]}…"


def _around(rows: list[CallBrief], implicated: int | None) -> tuple[CallBrief, ...]:
    """All rows of a short trace; of a long one those up to the call that explains the failure."""
    if len(rows) <= ROWS_SHOWN:
        return tuple(rows)
    at = next((i for i, r in enumerate(rows) if r.call == implicated), len(rows) - 1)
    first = max(0, min(at - ROWS_SHOWN // 2, len(rows) - ROWS_SHOWN))
    return tuple(rows[first : first + ROWS_SHOWN])


def _difference(x: CallRow, y: CallRow) -> str:
    if x.primitive != y.primitive:
        return f"{x.primitive} against {y.primitive}"
    if x.status != y.status:
        return f"{x.primitive} ended {x.status or 'FAULT'} against {y.status or 'FAULT'}"
    if x.line != y.line:
        return f"{x.primitive} from line {x.line} against line {y.line}"
    return ""


def _number(value: float | None) -> str:
    return "no value" if value is None else f"{value:.4g}"


def _range(lo: float | None, hi: float | None) -> str:
    """What was asked for, in words."""
    if lo is None:
        return "no limit" if hi is None else f"at most {hi:.4g}"
    return f"at least {lo:.4g}" if hi is None else f"asked for {lo:.4g} to {hi:.4g}"


def _rate_words(results: list[bool]) -> str:
    if not results:
        return "not run"
    r = rate(sum(results), len(results))
    return f"{r.k}/{r.n} ({r.lo:.2f} to {r.hi:.2f})"


def _first(text: str) -> str:
    return text.split("\n", 1)[0].strip()
