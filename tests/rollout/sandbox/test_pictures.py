"""The ring of pictures: read-only for the program, torn reads noticed, pictures not confused."""

from __future__ import annotations

import ctypes
import os
import sys

import numpy as np
import pytest

from aspire_tui.rollout.sandbox import supervisor
from aspire_tui.rollout.sandbox.api import Answer
from aspire_tui.rollout.sandbox.inside import pictures as inside
from aspire_tui.rollout.sandbox.pictures import SMALLEST_BYTES, PictureRing

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sealed shared memory is Linux's")


@pytest.fixture
def ring():
    made = PictureRing()
    yield made
    made.close()


def picture(seed: int, shape=(48, 640, 3), dtype=np.uint8):
    return (np.arange(np.prod(shape)) * (seed + 1)).astype(dtype).reshape(shape)


def test_what_is_put_is_what_is_copied(ring):
    view = inside.PictureView(ring.fd)
    for k, array in enumerate(
        [
            picture(1),
            picture(2, (100, 200), np.float32),
            np.asfortranarray(picture(3)),
            picture(4)[:, ::-1],
            picture(5, (100, 200), np.dtype(">f4")),
            picture(6, (200, 300), bool),
        ]
    ):
        (slot, number), _ = ring.put(array)
        got = view.copy(slot, number, array.dtype.name, list(array.shape))
        np.testing.assert_array_equal(got, array)
        assert (slot, number) == (k % inside.SLOTS, k + 1)
        assert got.dtype.isnative
        assert got.flags.writeable


def test_a_picture_written_over_is_noticed(ring):
    view = inside.PictureView(ring.fd)
    places = [ring.put(picture(i))[0] for i in range(inside.SLOTS + 1)]
    shape = [48, 640, 3]
    for place in places[1:]:
        view.copy(*place, "uint8", shape)
    with pytest.raises(inside.TornPicture, match="picture 1 is gone"):
        view.copy(*places[0], "uint8", shape)


@pytest.mark.parametrize("half_done", [(9, 1), (1, 9)])
def test_a_picture_being_written_is_noticed(ring, half_done):
    view = inside.PictureView(ring.fd)
    place, _ = ring.put(picture(1))
    inside.NUMBERS.pack_into(ring._map, 0, *half_done)
    with pytest.raises(inside.TornPicture):
        view.copy(*place, "uint8", [48, 640, 3])


def writable_ways(fd: int) -> dict[str, bool]:
    """Every way to write to shared memory by its descriptor, and whether it worked."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    size, read, write, shared = 8192, 1, 2, 1
    made = libc.mmap(None, ctypes.c_size_t(size), read | write, shared, fd, ctypes.c_long(0))
    readable = libc.mmap(None, ctypes.c_size_t(size), read, shared, fd, ctypes.c_long(0))
    again = os.open(f"/proc/self/fd/{fd}", os.O_RDWR)
    punch_hole = 0x03
    ways = {
        "mmap": made != ctypes.c_void_p(-1).value,
        "mprotect": libc.mprotect(ctypes.c_void_p(readable), ctypes.c_size_t(size), 3) == 0,
        "pwrite": libc.pwrite(fd, b"x", ctypes.c_size_t(1), ctypes.c_long(0)) == 1,
        "reopened": libc.pwrite(again, b"x", ctypes.c_size_t(1), ctypes.c_long(0)) == 1,
        "truncate": libc.ftruncate(fd, ctypes.c_long(0)) == 0,
        "grow": libc.ftruncate(fd, ctypes.c_long(1 << 30)) == 0,
        "fallocate": libc.fallocate(fd, punch_hole, ctypes.c_long(0), ctypes.c_long(4096)) == 0,
    }
    os.close(again)
    return ways


def test_the_ring_cannot_be_written_by_its_descriptor(ring):
    """The same acts on memory without seals, so that a denial means something."""
    assert not any(writable_ways(ring.fd).values()), writable_ways(ring.fd)
    plain = os.memfd_create("plain", os.MFD_ALLOW_SEALING)
    os.ftruncate(plain, 1 << 16)
    ways = writable_ways(plain)
    os.close(plain)
    assert all(ways.values()), ways


WRITE_BY_THE_PROGRAM = """
import ctypes, gc
view = next(o for o in gc.get_objects() if type(o).__name__ == 'PictureView')
libc = ctypes.CDLL(None)
at = view._bytes.ctypes.data
before = echo('picture').copy()
if libc.mprotect(ctypes.c_void_p(at), ctypes.c_size_t(1 << 16), 3) == 0:
    print('mprotect worked')
    ctypes.memset(at + 4096, 7, 4096)
try:
    view._bytes.flags.writeable = True
except ValueError:
    pass
view._bytes[4096:8192] = 7
"""


def test_a_program_that_writes_to_its_pictures_dies_of_it(any_level):
    class Giving(any_level.plain):
        def __call__(self, call):
            self.calls.append(call)
            return Answer(picture(1))

    outcome = any_level(WRITE_BY_THE_PROGRAM, bench=Giving())
    assert "mprotect worked" not in outcome.stdout
    assert outcome.ended == "killed" or "read-only" in outcome.error, outcome
    assert any_level("print(1)").stdout == "1\n"


def test_many_pictures_in_one_answer_and_over_many_answers(any_level):
    """More than there are slots: the rest travels beside the message, and none is another's."""

    class Giving(any_level.plain):
        def __call__(self, call):
            self.calls.append(call)
            first = 10 * len(self.calls)
            return Answer([picture(first + i) for i in range(6)])

    program = """
kept = []
for turn in range(1, 5):
    kept += [(10 * turn + i, p) for i, p in enumerate(echo(0))]
for seed, p in kept:
    whole = (np.arange(p.size) * (seed + 1)).astype(np.uint8).reshape(p.shape)
    assert np.array_equal(p, whole), seed
    p[0] = 0        # a program's copy is its own
print(len(kept))
"""
    outcome = any_level(program, bench=Giving())
    assert outcome.stdout == "24\n", outcome.error


def test_no_program_sees_the_pictures_of_another(run):
    class Giving(run.plain):
        def __call__(self, call):
            self.calls.append(call)
            return Answer(np.full((100, 640), 0xA5, np.uint8))

    assert run("print(echo(0).sum() > 0)", bench=Giving()).stdout == "True\n"
    look = """
import gc
view = next(o for o in gc.get_objects() if type(o).__name__ == 'PictureView')
print(int(view._bytes.max()))
"""
    assert run(look, bench=Giving()).stdout == "0\n"


def test_without_shared_memory_pictures_travel_beside_the_message(run, monkeypatch):
    monkeypatch.setattr(supervisor, "make_ring", lambda: None)
    outcome = run("o = get_observation()['scene']['rgb']\nprint(o.shape, echo(o).shape)")
    assert outcome.stdout == "(240, 320, 3) (240, 320, 3)\n"


def test_the_descriptor_of_the_ring_is_not_left_open(run):
    program = (
        "import os\nfor fd in range(5, 64):\n  try: os.fstat(fd); print(fd)\n  except OSError: 0"
    )
    assert run(program).stdout == ""


def test_small_arrays_and_huge_ones_are_not_put(ring):
    assert ring.put(np.zeros(SMALLEST_BYTES - 1, np.uint8)) is None
    assert ring.put(np.zeros(inside.SLOT_BYTES + 1, np.uint8)) is None
    assert ring.put(np.zeros(inside.SLOT_BYTES, np.uint8)) is not None
