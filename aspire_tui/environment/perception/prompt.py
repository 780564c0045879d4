"""What a prompt asks for: colour, shape and size words, a noun; and what it asks in vain."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from aspire_tui.environment.perception.colour import COLOURS, SYNONYMS

ShapeWord = Literal["cube", "box", "cylinder", "ball"]

SHAPES: dict[str, ShapeWord] = {
    "cube": "cube",
    "cubic": "cube",
    "box": "box",
    "brick": "box",
    "rectangular": "box",
    "square": "box",
    "cuboid": "box",
    "cylinder": "cylinder",
    "cylindrical": "cylinder",
    "can": "cylinder",
    "tube": "cylinder",
    "disc": "cylinder",
    "disk": "cylinder",
    "puck": "cylinder",
    "ball": "ball",
    "sphere": "ball",
    "spherical": "ball",
}

SIZES = {
    "small": "small",
    "smaller": "small",
    "smallest": "small",
    "little": "small",
    "tiny": "small",
    "large": "large",
    "larger": "large",
    "largest": "large",
    "big": "large",
    "bigger": "large",
    "biggest": "large",
    "tall": "tall",
    "taller": "tall",
    "tallest": "tall",
    "high": "tall",
    "short": "flat",
    "shorter": "flat",
    "shortest": "flat",
    "low": "flat",
    "flat": "flat",
    "thin": "flat",
    "long": "long",
    "longest": "long",
}

PLAIN_NOUNS = frozenset({"object", "thing", "item", "block", "toy", "piece", "one"})
"""Nouns that say nothing about shape; every noun we do not know is reported."""

SKIPPED = frozenset(
    {"the", "a", "an", "of", "this", "that", "any", "some", "my", "coloured", "colored", "color"}
    | {"colour", "shaped"}
)

RELATIONS = frozenset(
    {"on", "in", "at", "with", "under", "below", "above", "near", "behind", "beside", "next"}
    | {"between", "left", "right", "inside", "onto", "from", "to", "by"}
)
"""Where the description of the thing itself ends."""


@dataclass(frozen=True)
class Prompt:
    """A prompt taken apart. ``unknown`` holds the words perception cannot use."""

    text: str
    colours: tuple[str, ...]
    shape: ShapeWord | None
    sizes: tuple[str, ...]
    noun: str
    unknown: tuple[str, ...]

    @property
    def sees_nothing(self) -> bool:
        """No word in it that a camera could tell things apart by."""
        plain = self.noun in PLAIN_NOUNS
        return not (self.colours or self.shape or self.sizes or plain)


def parse(text: str) -> Prompt:
    """Take a prompt such as ``small red cube`` apart."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    colours: list[str] = []
    sizes: list[str] = []
    unknown: list[str] = []
    shape: ShapeWord | None = None
    noun = ""
    for i, word in enumerate(words):
        if word in RELATIONS:
            unknown += words[i:]
            break
        single = _singular(word)
        colour = SYNONYMS.get(word, word)
        if word in SKIPPED or word == "and":
            continue
        if colour in COLOURS:
            if colour not in colours:
                colours.append(colour)
        elif word in SIZES:
            sizes.append(SIZES[word])
        elif single in SHAPES:
            # "red cylinder can": the first, more specific word wins unless it was an adjective.
            shape = SHAPES[single] if shape in (None, "box") else shape
            noun = single
        elif single in PLAIN_NOUNS:
            noun = noun or single
        else:
            unknown.append(word)
    return Prompt(text, tuple(colours), shape, tuple(sizes), noun, tuple(unknown))


def _singular(word: str) -> str:
    if word.endswith("xes"):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word
