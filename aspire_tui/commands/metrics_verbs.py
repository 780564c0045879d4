"""``metrics`` and ``compare``: what sessions say of themselves, from their events alone."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import typer

from aspire_tui.commands.context import Context, JsonFlag, print_json
from aspire_tui.commands.session_verbs import find_session
from aspire_tui.config import Workspace
from aspire_tui.domain import SeedSet
from aspire_tui.errors import ConfigError
from aspire_tui.evolution.comparison import Comparison, Group, Spread, compare, label_of
from aspire_tui.evolution.criterion import Criterion, parse_criterion
from aspire_tui.evolution.figures import Metrics, RateAt
from aspire_tui.evolution.metrics import LEAST_SCENES, measure
from aspire_tui.evolution.plot import check_plot_file, draw_plot, terminal_plot
from aspire_tui.session.reader import SessionReader

CriterionOption = Annotated[
    str, typer.Option("--criterion", help="When it succeeded: run, first, K/N or row:N.")
]
LeastOption = Annotated[
    int, typer.Option("--least", min=1, help="Scenes a score needs to be a point of the curve.")
]


def metrics(
    ctx: typer.Context,
    sessions: Annotated[list[str], typer.Argument(help="Session names or files, live or ended.")],
    criterion: CriterionOption = "run",
    least: LeastOption = LEAST_SCENES,
    as_json: JsonFlag = False,
) -> None:
    """MRU, MTU, tokens and time to success, pass@k, interventions and progress of sessions."""
    workspace = Context.of(ctx).workspace
    rule = parse_criterion(criterion)
    found = [_measured(name, workspace, rule, least) for name in sessions]
    if as_json:
        print_json({"sessions": [msgspec.to_builtins(m) for m in found]})
        return
    for m in found:
        typer.echo("\n".join(metrics_lines(m)))


def compare_sessions(
    ctx: typer.Context,
    sessions: Annotated[
        list[str],
        typer.Argument(help="Sessions, or LABEL=S1,S2,… ; unlabelled ones group by agent."),
    ],
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Picture to write, PNG or SVG.")
    ] = None,
    on: Annotated[str, typer.Option("--on", help="Scores of dev or selection scenes.")] = "",
    criterion: CriterionOption = "run",
    least: LeastOption = LEAST_SCENES,
    as_json: JsonFlag = False,
) -> None:
    """Agents, models, teams or skills on and off side by side, every run shown."""
    workspace = Context.of(ctx).workspace
    rule = parse_criterion(criterion)
    if plot is not None:
        check_plot_file(plot)
    grouped: dict[str, list[Metrics]] = {}
    seen: set[Path] = set()
    for label, names in _labelled(sessions):
        for name in names:
            path = find_session(name, workspace).resolve()
            if path in seen:
                raise ConfigError(f"{name} is named twice; a run counts once, or it has no spread")
            seen.add(path)
            m = _measured(name, workspace, rule, least)
            grouped.setdefault(label or label_of(m), []).append(m)
    c = compare(grouped, _seed_set(on))
    if plot is not None:
        draw_plot(c, plot)
    if as_json:
        print_json(msgspec.to_builtins(c))
        return
    typer.echo("\n".join(comparison_lines(c)))
    if any(curve for g in c.groups for curve in g.curves):
        size = shutil.get_terminal_size((80, 24))
        width, height = min(size.columns, 110), max(12, min(size.lines - 8, 24))
        try:
            typer.echo(terminal_plot(c, width, height, colour=sys.stdout.isatty()))
        except ConfigError as error:  # the figures were told already; a picture is an extra
            typer.echo(f"aspire-tui: {error}", err=True)
    if plot is not None:
        typer.echo(f"plot     {plot}")


def metrics_lines(m: Metrics) -> list[str]:
    """One session for a person. Pure."""
    state = "live" if m.live else (m.outcome or "not judged")
    who = " ".join(w for w in (m.agent, m.model) if w)
    out = [f"{m.session}: {m.task}, {who}, {state}" + "".join(f" [{b}]" for b in m.brands)]
    shown = "-" if m.mru.mru is None else f"{m.mru.mru:.1%}"
    out.append(f"  MRU      {shown} on the {m.mru.clock} clock = {m.mru.rule}")
    split = ", ".join(f"{k} {v:.1%}" for k, v in m.mru.shares.items() if v > 0)
    out.append(f"           {split or 'no time recorded'}")
    each = ", ".join(f"{k.replace('_', ' ')} {v:,.0f}" for k, v in m.mtu.per_minute.items())
    out.append(f"  MTU      tokens/min over {m.mtu.minutes:.1f} min: {each or '-'}")
    out.append(f"  success  {_success(m)}")
    for p in m.pass_at:
        out.append(
            f"  pass@k   {p.task}, {p.seed_set} seeds, {p.programs} programs: "
            + "; ".join(f"@{r.k} {_rate(r)}" for r in p.curve)
            + f"; {p.mean_attempts or 0:.2f} attempts"
        )
        if p.alone is not None and p.alone.n != p.trials:
            out.append(f"           without trials a person had a hand in: @1 {_rate(p.alone)}")
    i = m.interventions
    orders = ", ".join(f"{v} {k}" for k, v in i.orders.items()) or "no orders"
    out.append(
        f"  people   {i.total} interventions: {orders}; {i.calls_skipped} calls skipped, "
        f"{i.calls_edited} edited, {i.messages} messages, {i.answers} answers, "
        f"{i.approvals} approvals"
    )
    for progress in m.progress:
        steps = ", ".join(f"{s:.0%} at {t / 60:.1f} min" for t, s in progress.curve)
        none = f"no score on {progress.least_scenes} or more scenes"
        mean = "" if progress.time_averaged is None else f"; mean {progress.time_averaged:.1%}"
        out.append(f"  best     on {progress.seed_set} seeds: {steps + mean if steps else none}")
    if m.held_out is not None:
        out.append(f"  held out {_rate(m.held_out)} (recorded, never decides)")
    return out


def comparison_lines(c: Comparison) -> list[str]:
    """Groups side by side for a person. Pure."""
    out = [f"success: {c.criterion}; curves: best so far on {c.seed_set} scenes"]
    for g in c.groups:
        out += _group_lines(g)
    return [*out, *(f"note: {n}" for n in c.notes)]


def _group_lines(g: Group) -> list[str]:
    out = [f"{g.label}: {len(g.sessions)} runs, succeeded {_rate(g.succeeded)}"]
    rows = zip(g.sessions, g.times_s, g.tokens, g.best, g.held_out, strict=True)
    for session, time_s, tokens, best, held_out in rows:
        when = "never" if time_s is None else f"{time_s / 60:.1f} min"
        cost = "" if tokens is None else f", {tokens:,} tokens"
        reached = "" if best is None else f", best {best:.0%}"
        proof = "" if held_out is None else f", held out {_rate(held_out)}"
        out.append(f"  {session:<40} {when}{cost}{reached}{proof}")
    for clock, s in g.mru.items():
        out.append(f"  MRU on the {clock} clock {_spread(s, '.1%')}")
    if g.tokens_per_minute is not None:
        out.append(f"  tokens/min {_spread(g.tokens_per_minute, ',.0f')}")
    if g.time_averaged is not None:
        out.append(f"  time-averaged best {_spread(g.time_averaged, '.1%')}")
    out.append(f"  interventions {_spread(g.interventions, '.1f')}")
    return out


def _success(m: Metrics) -> str:
    s = m.success
    if s.time_s is not None and s.tokens is not None:
        return f"{s.time_s / 60:.1f} min, {s.tokens:,} tokens ({s.criterion})"
    best = "nothing scored" if s.best is None else f"best {s.best:.0%}"
    return (
        f"never in {s.watched_s / 60:.1f} min and {s.tokens_spent:,} tokens, {best} "
        f"(censored; {s.criterion})"
    )


def _rate(r: RateAt) -> str:
    share = f"{r.passed / r.n:.0%} " if r.n else ""
    return f"{share}{r.passed}/{r.n} [{r.lo:.2f}–{r.hi:.2f}]"


def _spread(s: Spread, form: str) -> str:
    if s.sem is None:
        return f"{s.mean:{form}} (one run)"
    return f"{s.mean:{form}} ± {s.sem:{form}} ({s.lowest:{form}}–{s.highest:{form}}, n {s.n})"


def _measured(name: str, workspace: Workspace, rule: Criterion, least: int) -> Metrics:
    with SessionReader(find_session(name, workspace)) as reader:
        return measure(reader, rule, least)


def _labelled(arguments: Sequence[str]) -> list[tuple[str, list[str]]]:
    out: list[tuple[str, list[str]]] = []
    for argument in arguments:
        label, equals, rest = argument.partition("=")
        names = [n for n in rest.split(",") if n] if equals else [argument]
        if equals and (not label or not names):
            raise ConfigError(f"{argument!r}: write LABEL=SESSION,SESSION,…")
        out.append((label if equals else "", names))
    return out


def _seed_set(on: str) -> SeedSet | None:
    sets: dict[str, Literal["dev", "selection"] | None] = {
        "": None,
        "dev": "dev",
        "selection": "selection",
    }
    if on not in sets:
        raise ConfigError(f"--on {on}: dev or selection; held-out scenes never make a curve")
    return sets[on]
