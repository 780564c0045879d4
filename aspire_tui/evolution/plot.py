"""Progress of groups of runs as a picture: in the terminal, or as PNG or SVG.

The libraries are an extra (``pip install "aspire-tui[plot]"``) and loaded only here.
"""

from __future__ import annotations

import re
from pathlib import Path

from aspire_tui.errors import ConfigError
from aspire_tui.evolution.comparison import Comparison, Group
from aspire_tui.evolution.progress import value_at

FORMATS = (".png", ".svg")
_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
_TERMINAL_COLOURS = ("blue", "orange", "green", "magenta", "cyan", "red", "white", "gray")


def terminal_plot(c: Comparison, width: int, height: int, *, colour: bool = False) -> str:
    """Every run as steps, one mark and colour per group; minutes across, percent up.

    Raises:
        ConfigError: The library for it is not installed.
    """
    try:
        import plotext
    except ImportError:
        raise ConfigError(_missing("plotext")) from None
    plotext.clear_figure()
    plotext.theme("clear")
    plotext.plot_size(max(30, width), max(10, height))
    marks = ("braille", "dot", "x", "o", "+", "*")
    for i, group in enumerate(c.groups):
        for number, curve in enumerate(group.curves):
            xs, ys = _points(curve, c.until_s)
            plotext.plot(
                xs,
                ys,
                label=_legend(group) if number == 0 else None,
                marker=marks[i % len(marks)],
                color=_TERMINAL_COLOURS[i % len(_TERMINAL_COLOURS)],
            )
    plotext.ylim(0, 100)
    plotext.xlim(0, max(c.until_s / 60.0, 1e-6))
    plotext.xlabel("minutes")
    plotext.ylabel(f"best so far on {c.seed_set} scenes, %")
    text = str(plotext.build())
    return text if colour else _ESCAPES.sub("", text)


def check_plot_file(path: Path) -> None:
    """Refuse a file that cannot be written before anything is measured.

    Raises:
        ConfigError: Not PNG or SVG, or no such folder.
    """
    if path.suffix.lower() not in FORMATS:
        raise ConfigError(f"--plot {path}: the file must end in {' or '.join(FORMATS)}")
    if not path.absolute().parent.is_dir():
        raise ConfigError(f"--plot {path}: there is no folder {path.absolute().parent}")


def draw_plot(c: Comparison, path: Path) -> None:
    """Write the picture: every run thin, the mean of a group thick, its standard error as a band.

    Raises:
        ConfigError: The library for it is not installed, or the file cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ConfigError(_missing("matplotlib")) from None
    figure = Figure(figsize=(8.0, 5.0), layout="constrained")
    axes = figure.add_subplot()
    for i, group in enumerate(c.groups):
        colour = f"C{i}"
        for curve in group.curves:
            xs, ys = _points(curve, c.until_s)
            axes.plot(xs, ys, color=colour, linewidth=0.8, alpha=0.5)
        minutes = [b.at_s / 60.0 for b in group.band]
        mean = [100.0 * b.mean for b in group.band]
        axes.plot(
            minutes, mean, color=colour, linewidth=2.2, drawstyle="steps-post", label=_legend(group)
        )
        if len(group.sessions) > 1:
            low = [100.0 * (b.mean - (b.sem or 0.0)) for b in group.band]
            high = [100.0 * (b.mean + (b.sem or 0.0)) for b in group.band]
            axes.fill_between(minutes, low, high, color=colour, alpha=0.2, linewidth=0)
    axes.set(
        xlabel="minutes",
        ylabel=f"best so far on {c.seed_set} scenes, %",
        xlim=(0, max(c.until_s / 60.0, 1e-6)),
        ylim=(0, 102),
        title="thin: every run; thick: mean; band: ± standard error",
    )
    axes.legend(loc="lower right")
    try:
        figure.savefig(path, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)
    except OSError as error:
        raise ConfigError(f"--plot {path}: {error.strerror}") from None


def _points(
    curve: tuple[tuple[float, float], ...], until_s: float
) -> tuple[list[float], list[float]]:
    """Steps as corners, from the origin to the end of the axis."""
    xs, ys = [0.0], [100.0 * value_at(curve, 0.0)]
    for at_s, score in curve:
        xs += [at_s / 60.0, at_s / 60.0]
        ys += [ys[-1], 100.0 * score]
    return [*xs, until_s / 60.0], [*ys, ys[-1]]


def _legend(group: Group) -> str:
    n = len(group.sessions)
    return f"{group.label} ({n} run{'' if n == 1 else 's'})"


def _missing(package: str) -> str:
    return f'plots need {package}: pip install "aspire-tui[plot]"'
