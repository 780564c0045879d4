"""Things told apart by what is written on them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from aspire_tui.environment.perception.lettering import MISSING, label_in, likeness
from aspire_tui.environment.perception.prompt import parse
from aspire_tui.environment.perception.sight import ClassicalSight
from aspire_tui.environment.services import ServiceFailed

BLUE = (30, 70, 200)
PLACES = {"SALT": (40, 80), "MILK": (190, 90)}


def picture() -> NDArray[np.uint8]:
    """Two blue boxes on a grey table, 80 pixels wide, each with its word."""
    made = Image.new("RGB", (320, 240), (150, 145, 140))
    draw = ImageDraw.Draw(made)
    for word, (x, y) in PLACES.items():
        draw.rectangle((x, y, x + 80, y + 60), BLUE)
        draw.text((x + 12, y + 20), word, (255, 255, 255), ImageFont.load_default(22))
    return np.asarray(made)


class Spelling:
    """Reads by where on the picture the part is from: the left one is SA1T."""

    def __init__(self) -> None:
        self.asked = 0

    def read(self, rgb: NDArray[np.uint8]) -> list[str]:
        self.asked += 1
        return ["SA1T"] if self.asked % 2 else ["MILK", "1 l"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('white box labelled "SALT"', ("white box", "SALT")),
        ("the can marked A", ("the can", "A")),
        ("box with the word 'Sea salt' left of the red cube", None),
        ("thing labeled milk", ("thing", "milk")),
        ('labelled "X"', ("object", "X")),
        ("red cube", None),
    ],
)
def test_a_label_is_taken_out_of_the_words(text: str, found: tuple[str, str] | None) -> None:
    if "Sea salt" in text:
        found = ("box  left of the red cube", "Sea salt")
    assert label_in(text) == found


def test_letters_that_are_misread_still_fit_and_other_words_do_not() -> None:
    assert likeness("SALT", ["SA1T"]) >= 0.75
    assert likeness("salt", ["SEA", "SALT 500 g"]) == 1.0
    assert likeness("SALT", ["MILK"]) < 0.5
    assert likeness("SALT", []) == 0.0


def test_of_things_alike_the_labelled_one_is_found_and_the_others_say_what_they_read() -> None:
    sight = ClassicalSight(Spelling())
    found = sight.search(picture(), parse('blue box labelled "MILK"'), None)
    assert len(found.segments) == 1 and len(found.rejected) == 1
    assert "SA1T" in found.rejected[0]
    none = ClassicalSight(Spelling()).search(picture(), parse("blue box labelled TEA"), None)
    assert not none.segments and "MILK" in none.reason


def test_without_the_reader_it_is_a_fault_not_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "rapidocr_onnxruntime", None)
    with pytest.raises(ServiceFailed) as failed:
        ClassicalSight().search(picture(), parse("blue box labelled SALT"), None)
    assert failed.value.status == "FAULT" and str(failed.value) == MISSING


def test_the_real_reader_tells_two_boxes_apart() -> None:
    pytest.importorskip("rapidocr_onnxruntime")
    sight = ClassicalSight()
    for word, (x, y) in PLACES.items():
        found = sight.search(picture(), parse(f"blue box labelled '{word}'"), None)
        assert len(found.segments) == 1, found.rejected
        x1, y1, _, _ = found.segments[0].box
        assert abs(x1 - x) < 4 and abs(y1 - y) < 4
