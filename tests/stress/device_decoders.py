"""Readers of what devices, their servers and cameras send."""

from __future__ import annotations

import base64
import pickle
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

from aspire_tui.environment import lerobot_pickles, openpi
from aspire_tui.environment.perception.servers import masks_at_in, masks_in, pixels_in
from aspire_tui.environment.services import ServiceFailed
from drivers.address import Address
from drivers.cameras.client import FrameClient
from drivers.cameras.wire import pack_frame
from drivers.compat import portal_wire
from drivers.compat.exchange import BadAnswer
from drivers.compat.gello import unpickled
from drivers.emu.fault_socket import FaultServer
from drivers.errors import CellFault
from drivers.feetech import codec
from drivers.types import Frame
from tests.environment.api.test_lerobot import timed_actions
from tests.stress.decoder import Decoder


def device_decoders() -> tuple[Decoder, ...]:
    return (
        servo_answers(),
        gello_answers(),
        portal_answers(),
        pictures(),
        fault_lines(),
        *eyes_answers(),
        openpi_answers(),
        lerobot_answers(),
    )


def servo_answers() -> Decoder:
    """Bytes on a serial line, in which status packets are looked for."""

    def status(servo: int, error: int, params: bytes) -> bytes:
        body = bytes((servo, len(params) + 2, error)) + params
        return b"\xff\xff" + body + bytes((~sum(body) & 0xFF,))

    def read(data: bytes) -> bool:
        stream = codec.StatusStream()
        return bool(stream.feed(data[:7]) + stream.feed(data[7:]))

    seeds = tuple(status(n, n % 3, bytes(range(n * 3))) for n in range(1, 7))
    return Decoder("servo answers", (*seeds, b"".join(seeds)), read, ())


def gello_answers() -> Decoder:
    """Pickles, from a robot node that nobody vouches for."""
    values: tuple[Any, ...] = (
        np.zeros(7), None, 7, {"error": "no"}, {"joint_positions": np.ones(7), "x": 1.0}
    )  # fmt: skip
    seeds = tuple(pickle.dumps(value, protocol=4) for value in values)

    def read(data: bytes) -> bool:
        unpickled(data)
        return True

    return Decoder("GELLO answers", seeds, read, (BadAnswer,))


def portal_answers() -> Decoder:
    head = portal_wire.U64.pack(5) + portal_wire.U64.pack(0)
    trees: tuple[Any, ...] = (None, {"pos": np.arange(7.0)}, [np.zeros(3), {"a": "text"}])
    seeds = tuple(head + portal_wire.pack_tree(tree) for tree in trees)

    def read(data: bytes) -> bool:
        portal_wire.answer(data, 5)
        return True

    return Decoder("portal answers", seeds, read, (BadAnswer,))


def pictures() -> Decoder:
    """From a camera process, here or on another machine."""
    frame = Frame(
        "scene", 1, 0.5, 0.1, np.zeros((6, 8, 3), np.uint8), np.ones((6, 8), np.uint16), 1e-4,
        np.eye(3), np.eye(4), "base", (0.0, 1.0),
    )  # fmt: skip
    reply = pack_frame(1, frame, 0.1)
    others = (msgspec.structs.replace(reply, depth=None), msgspec.structs.replace(reply, code="x"))
    seeds = tuple(msgspec.msgpack.encode(each) for each in (reply, *others))
    client = FrameClient(Address("far", "", "", "", "", None))

    def read(data: bytes) -> bool:
        client._frame(client._reply(data))
        return True

    return Decoder("camera pictures", seeds, read, (CellFault,))


def fault_lines() -> Decoder:
    """Lines on an emulator's fault socket."""
    server = FaultServer.__new__(FaultServer)
    server._respond = lambda request: {"text": str(request["do"])[:20]}
    seeds = (b'{"do":"inject","fault":"heat","args":{"servo":3}}', b'{"do":"goals","newest":0}')

    def read(data: bytes) -> bool:
        return bool(server._answer(data)["ok"])

    return Decoder("fault lines", seeds, read, ())


def eyes_answers() -> tuple[Decoder, ...]:
    """What perception servers and the models behind them answer about one picture."""
    rgb = np.zeros((4, 6, 3), np.uint8)
    mask = base64.b64encode(bytes(24)).decode()
    one = {"mask_base64": mask, "shape": [4, 6], "box": [0, 0, 2.5, 3], "score": 0.5, "label": "x"}
    many = {
        "scores": [0.9, 0.1],
        "masks_base64": base64.b64encode(bytes(48)).decode(),
        "masks_shape": [2, 4, 6],
        "masks_dtype": "uint8",
    }
    said = ('<point x="50.5" y="25">cube', '<points coords="1 1 500 250.5 2 10 20">')

    def reading(name: str, messages: tuple[Any, ...], read_one: Callable[..., Any]) -> Decoder:
        def read(data: bytes) -> bool:
            read_one("http://eyes", data, rgb)
            return True

        seeds = tuple(msgspec.json.encode(message) for message in messages)
        return Decoder(name, seeds, read, (ServiceFailed,))

    pointing = tuple({"choices": [{"message": {"content": words}}]} for words in said)
    return (
        reading("mask server answers", ({"results": [one, one]}, {"results": []}), masks_in),
        reading("masks at a pixel", (many,), masks_at_in),
        reading("pointing model answers", pointing, pixels_in),
    )


def openpi_answers() -> Decoder:
    """Actions of a policy server, which is somebody else's model."""
    seeds = tuple(openpi.pack({"actions": np.ones(n), "text": "x"}) for n in ((3, 7), (1, 2)))

    def read(data: bytes) -> bool:
        openpi.unpack(data)
        return True

    return Decoder("openpi answers", seeds, read, (openpi.WrongAnswer,))


def lerobot_answers() -> Decoder:
    def read(data: bytes) -> bool:
        lerobot_pickles.actions_in(data)
        return True

    seeds = (timed_actions(np.ones((2, 3))), timed_actions(np.zeros((1, 7))))
    return Decoder("LeRobot answers", seeds, read, (lerobot_pickles.Refused,))
