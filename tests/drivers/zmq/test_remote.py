"""A cell on another machine, through the small file that names it: everything a local one does."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
import zmq
from far import Far, served, write_reference
from hosts import until
from stand import smooth

from drivers.address import address_of
from drivers.cameras.packed import packed, unpacked
from drivers.cameras.relay import WAITING_AT_MOST, Relay
from drivers.cameras.wire import FrameReply, FrameRequest
from drivers.cellfile import load_cell
from drivers.client import CellClient, StateStream, hold_now
from drivers.errors import CellFault, CellFileError, CellRefused
from drivers.line import Line
from drivers.meeting import met
from drivers.runtime_dir import running_cells
from drivers.spawn import ensure_host


@pytest.fixture(scope="module")
def far() -> Iterator[Far]:
    with served() as far:
        met(far.reference, far.near)
        yield far


def test_a_cell_elsewhere_is_met_moved_watched_seen_and_stopped_by_its_name(far: Far) -> None:
    cell = load_cell(met(far.reference, far.near))
    assert cell.info.name == "far" and cell.remote is not None and not cell.has_workers
    assert running_cells(far.near) == ["far"]
    client = CellClient("far", who="ann", runtime=far.near)
    assert cell.info.arms == client.info.arms and cell.info.cameras == client.info.cameras
    held = list(client.status().arms[0].q_cmd_rad)
    assert client.execute("left", smooth(held, [0.3, *held[1:]], 0.6)).status == "OK"
    frame = client.frame("scene")
    assert frame.rgb.shape == (24, 32, 3) and (np.asarray(frame.depth) == 5000).all()
    with pytest.raises(KeyError, match="it has scene"):
        client.frame("nose")
    stream = StateStream("far", far.near)
    until(lambda: stream.wait(0.2), "a state arrives")
    hold_now("far", "ann", "look", far.near, timeout_s=5.0)
    until(lambda: (s := stream.wait(0.2)) and s.status.held and s.status.who == "ann", "it holds")
    stream.close()
    client.resume("ann")
    client.close()


def test_a_viewers_key_sees_and_stops_and_nothing_else(far: Far) -> None:
    ann = CellClient("far", who="ann", runtime=far.near)
    write_reference(far.near, far.port, who="eve.viewer")
    met(far.reference, far.near)
    try:
        eve = CellClient("far", who="eve", runtime=far.near)
        assert eve.frame("scene").camera == "scene"
        with pytest.raises(CellRefused, match="viewer"):
            eve.set_speed(0.5, "eve")
        hold_now("far", "eve", "x", far.near, timeout_s=5.0)
        assert ann.status().held
        eve.close()
    finally:
        write_reference(far.near, far.port)
        met(far.reference, far.near)
    ann.resume("ann")
    ann.close()


def test_pictures_are_for_known_keys_alone(far: Far) -> None:
    known = address_of("far", far.near)
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    plain, stranger = context.socket(zmq.DEALER), context.socket(zmq.DEALER)
    known.prepare(stranger)
    stranger.curve_publickey, stranger.curve_secretkey = zmq.curve_keypair()
    client = CellClient("far", who="ann", runtime=far.near)
    for asker in (plain, stranger):
        asker.connect(known.frames)
        asker.send(msgspec.msgpack.encode(FrameRequest(1, "scene")))
    assert client.frame("scene").seq > 0  # Asked later, answered, while the others are not.
    assert not plain.poll(300) and not stranger.poll(300)
    # Garbage instead of a handshake, and the port goes on serving.
    with socket.create_connection(("127.0.0.1", far.port + 3)) as rude:
        rude.sendall(b"\xff" * 4096)
    assert client.frame("scene").seq > 0
    client.close()
    context.destroy(0)


def test_who_is_not_let_in_is_told_where_to_look(far: Far, tmp_path: Path) -> None:
    (far.near / "keys" / "torn.key_secret").write_text("not a key")
    (far.near / "keys" / "torn.key_secret").chmod(0o600)
    for bad, words in (
        ('address = "tcp://127.0.0.1"', "tcp://HOST:PORT"),
        ('keys = "keys/none.key_secret"', "none.key_secret"),
        ('keys = "keys/torn.key_secret"', "torn.key_secret"),
        ('host_kay = "x"', "did you mean 'host_key'"),
    ):
        key = bad.split(" = ")[0]
        lines = [x for x in far.reference.read_text().splitlines() if not x.startswith(key[:6])]
        wrong = far.near / "wrong.toml"
        wrong.write_text("\n".join([*lines, bad]).replace('"far"', '"wrong"') + "\n")
        with pytest.raises(CellFileError, match=words):
            met(wrong, far.near)
    with pytest.raises(CellFileError, match="connected to"):
        load_cell(far.reference)


def test_nobody_there_is_one_line(
    tmp_path: Path, far: Far, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Line.ask, "__defaults__", (0.1,))
    text = far.reference.read_text().replace(f":{far.port}", ":9").replace('"far"', '"gone"')
    (far.near / "gone.toml").write_text(text)
    with pytest.raises(CellFault, match=r"is it served at tcp://127\.0\.0\.1:9"):
        met(far.near / "gone.toml", far.near)
    assert "gone" not in running_cells(far.near)


def test_a_host_of_this_machine_comes_before_a_note_of_another(far: Far) -> None:
    from far import KINEMATIC

    host = ensure_host(KINEMATIC, "far", "test", far.near)
    try:
        assert address_of("far", far.near).paths is not None
        with pytest.raises(CellFileError, match="rename one"):
            met(far.reference, far.near)
    finally:
        client = CellClient(host.paths.folder.as_posix(), who="t")
        client.shutdown("t")
        client.close()
    until(lambda: address_of("far", far.near).paths is None, "the note counts again")


# -- the pure parts ----------------------------------------------------------------------------


def picture(rgb: np.ndarray, depth: np.ndarray | None) -> FrameReply:  # type: ignore[type-arg]
    raw = None if depth is None else depth.astype("<u2").tobytes()
    h, w = rgb.shape[:2]
    return FrameReply(1, camera="c", height=h, width=w, rgb=rgb.tobytes(), depth=raw)


def test_a_packed_picture_keeps_depth_exactly_and_colour_nearly() -> None:
    rng = np.random.default_rng(1)
    smooth_rgb = np.linspace(0, 255, 40 * 60 * 3).reshape(40, 60, 3).astype(np.uint8)
    depth = rng.integers(0, 65536, (40, 60)).astype(np.uint16)
    whole = picture(smooth_rgb, depth)
    small = packed(whole)
    back = unpacked(msgspec.msgpack.decode(msgspec.msgpack.encode(small), type=FrameReply))
    assert len(small.rgb) < len(whole.rgb) / 3
    assert back.depth == whole.depth and back.packing == ""
    off = np.frombuffer(back.rgb, np.uint8).astype(int) - smooth_rgb.ravel()
    assert np.abs(off).max() <= 12
    assert unpacked(packed(picture(smooth_rgb, None))).depth is None


def test_a_picture_that_is_none_is_refused() -> None:
    good = packed(picture(np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), np.uint16)))
    for changed in (
        {"rgb": b"garbage"},
        {"rgb": good.rgb[: len(good.rgb) // 2]},
        {"depth": good.rgb},
        {"width": 80},
        {"height": 1_000_000, "width": 1_000_000},
        {"packing": "webp"},
    ):
        with pytest.raises(ValueError, match=r"no |said to be|packed as|truncated"):
            unpacked(msgspec.structs.replace(good, **changed))


def test_the_relay_gives_each_asker_its_own_answer_and_forgets_the_oldest() -> None:
    relay = Relay()
    assert relay.asked(b"a", b"\xff\xff") is None
    numbers = []
    for peer in (b"a", b"b"):
        raw = relay.asked(peer, msgspec.msgpack.encode(FrameRequest(7, "scene")))
        assert raw is not None
        numbers.append(msgspec.msgpack.decode(raw, type=FrameRequest).id)
    answer = relay.answered(msgspec.msgpack.encode(FrameReply(numbers[1], "stale", "x")))
    assert answer is not None and answer[0] == b"b"
    assert msgspec.msgpack.decode(answer[1], type=FrameReply).id == 7
    assert relay.answered(msgspec.msgpack.encode(FrameReply(numbers[1], "stale", "x"))) is None
    for _ in range(WAITING_AT_MOST):
        relay.asked(b"c", msgspec.msgpack.encode(FrameRequest(1, "scene")))
    assert relay.answered(msgspec.msgpack.encode(FrameReply(numbers[0], "stale", "x"))) is None
