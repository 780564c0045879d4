"""What if a call that looked had been asked otherwise: again on its own pictures."""

from __future__ import annotations

import json
import re
import shlex
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aspire_tui.domain import JSON
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.rows import CallDetail
from aspire_tui.tui.cover import Cover
from aspire_tui.tui.panes.body import Body, Look
from aspire_tui.tui.panes.what_if import WhatIf, what_if_body
from aspire_tui.tui.verbs import run_verb

if TYPE_CHECKING:
    from aspire_tui.tui.app import Console

TYPED: Final = ("what_if", "what_if_fork")
HINT: Final = "a prompt, or at 120,88; then if you like: >= 0.6, camera wrist"
AGAIN_WITHIN_S: Final = 60.0


class NotAsked(ValueError):
    """What was typed asks nothing; the text says what would."""


@dataclass(frozen=True)
class Asked:
    """A changed question, taken apart."""

    prompt: str = ""
    point: str = ""
    threshold: str = ""
    camera: str = ""

    def arguments(self) -> list[str]:
        given = {
            "--prompt": self.prompt,
            "--point": self.point,
            "--threshold": self.threshold,
            "--camera": self.camera,
        }
        return [part for name, value in given.items() if value for part in (name, value)]


_THRESHOLD = re.compile(r">=\s*(\d*\.?\d+)")
_CAMERA = re.compile(r"\bcamera\s+(\S+)")
_POINT = re.compile(r"^at\s+(-?\d+(?:\.\d+)?)\s*,\s*(-?\d+(?:\.\d+)?)")


def asked_in(text: str) -> Asked:
    """``small red cube``, ``at 120,88``, each with ``>= 0.6`` and ``camera wrist`` behind it.

    Raises:
        NotAsked: Neither a prompt nor a point.
    """
    threshold, camera = _THRESHOLD.search(text), _CAMERA.search(text)
    rest = " ".join(_CAMERA.sub("", _THRESHOLD.sub("", text)).replace(",  ", " ").split())
    rest = rest.strip(" ,")
    point = _POINT.match(rest)
    if not rest and not threshold and not camera:
        raise NotAsked(f"what if: type {HINT}")
    return Asked(
        prompt="" if point else rest,
        point=f"{point[1]},{point[2]}" if point else "",
        threshold=threshold[1] if threshold else "",
        camera=camera[1] if camera else "",
    )


def changed_program(text: str, line: int, old: str, new: str) -> str | None:
    """A program with one prompt replaced in one line; None when it does not stand there."""
    rows = text.split("\n")
    if not 0 < line <= len(rows) or not old or not new:
        return None
    for quote in ("'", '"'):
        if f"{quote}{old}{quote}" in rows[line - 1]:
            escaped = new.replace("\\", "\\\\").replace(quote, f"\\{quote}")
            row = rows[line - 1].replace(f"{quote}{old}{quote}", f"{quote}{escaped}{quote}", 1)
            return "\n".join([*rows[: line - 1], row, *rows[line:]])
    return None


class WhatIfs:
    """Asks, shows both answers, and sends the change to a fork."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._detail: CallDetail | None = None
        self._shown: WhatIf | None = None

    def handlers(self) -> dict[str, Callable[[], None]]:
        return {"what_if": self._type, "what_if_fork": self._type_fork}

    def entered(self, what: str, text: str) -> None:
        if what == "what_if_fork":
            self._fork(text)
            return
        try:
            asked = asked_in(text)
        except NotAsked as error:
            self._console.say(str(error), "warn")
            return
        self._look_again(asked)

    def _type(self) -> None:
        self._detail = self._console.moment.call
        if self._detail is not None:
            self._console.acts.type("what_if", HINT, first_text(self._detail))

    def _look_again(self, asked: Asked) -> None:
        detail = self._detail
        if detail is None:
            return
        console = self._console
        intent = detail.intent
        console.say("looking again …", "note")
        keeps = console.keeps
        root = keeps.parent if keeps is not None else None

        def look(reader: SessionReader) -> WhatIf:
            old = _old_overlay(reader, detail)
            with tempfile.TemporaryDirectory(prefix="aspire-") as folder:
                out = Path(folder) / "overlay.jpg"
                said = run_verb(
                    root, "what-if", str(reader.path.resolve()), "--trial", str(intent.trial),
                    "--call", str(intent.call), "--out", str(out), "--json", *asked.arguments(),
                    within_s=AGAIN_WITHIN_S,
                )  # fmt: skip
                return WhatIf(json.loads(said), old, out.read_bytes())

        console.ask_aside(look, self._show)

    def _show(self, shown: WhatIf) -> None:
        self._shown = shown
        self._console.notice = ("", "")
        self._console.acts.cover_with(Cover("what if", self._body))

    def _body(self, look: Look) -> Body:
        assert self._shown is not None
        return what_if_body(self._shown, look)

    def _type_fork(self) -> None:
        """The change as a claim of a new line at the call's own hypothesis."""
        if self._shown is not None and self._detail is not None:
            answer = self._shown.answer
            old, new = str(answer["before"]["prompt"]), str(answer["prompt"])
            name = str(answer["primitive"])
            words = f"asking {name} for {shlex.quote(new)} instead of {shlex.quote(old)} finds it"
            self._console.acts.type("what_if_fork", "claim of the fork", words)

    def _fork(self, note: str) -> None:
        moment, detail, shown = self._console.moment, self._detail, self._shown
        trial = moment.trial
        if not note or detail is None or shown is None or trial is None:
            return
        if trial.hypothesis is None:
            self._console.say("fork: this trial belongs to no hypothesis", "warn")
            return
        text = moment.program.text if moment.program is not None else ""
        old, new = str(shown.answer["before"]["prompt"]), str(shown.answer["prompt"])
        program = changed_program(text, detail.intent.line, old, new)
        args: dict[str, JSON] = {"hypothesis": trial.hypothesis, "note": note}
        if program is not None:
            args["program"] = program
        self._console.orders.send("fork", args)


def first_text(detail: CallDetail) -> str:
    """What the call looked for."""
    for name, value in detail.intent.args.items():
        if name != "camera" and isinstance(value, str) and not value.startswith("<"):
            return value
    return ""


def _old_overlay(reader: SessionReader, detail: CallDetail) -> bytes:
    """The picture the call left; empty when it was pruned."""
    for row in reader.keyframes(detail.intent.trial, detail.intent.call):
        blob = row.keyframe.overlay or row.keyframe.rgb
        return reader.blob(blob.sha256) or b""
    return b""
