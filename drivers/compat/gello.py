"""GELLO's robot node: REQ/REP, pickled both ways. What is unpickled may be an array and no more.

Written from the published `gello/zmq_core/robot_node.py`. Only `num_dofs`, `get_joint_state` and
`command_joint_state` are asked for: a node may end at a method it does not know.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import zmq

from drivers.compat.arm import ServedArm
from drivers.compat.endpoint import loopback
from drivers.compat.exchange import BadAnswer
from drivers.compat.section import GelloSection
from drivers.types import ArmSpec

ANSWER_WITHIN_MS: Final = 50
ANSWER_AT_MOST: Final = 64 * 1024
PICKLED: Final = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    *(
        (f"numpy.{core}.{module}", name)
        for core in ("core", "_core")
        for module, name in (
            ("multiarray", "_reconstruct"),
            ("multiarray", "scalar"),
            ("numeric", "_frombuffer"),
        )
    ),
}
"""All that arrays and their numbers are made of."""
MEMO_AT_MOST: Final = 256
TUPLES_AT_MOST: Final = 16
"""An array is five; tuples of tuples take twice as long to hash at every level."""
_PUTS: Final = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})
_TUPLES: Final = frozenset({"TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"})
_PLAIN: Final = (type(None), bool, int, float, str)


class _Ndarray:
    """Stands for the type, so that no pickle can ask for an array of a size of its choice."""


def _empty(kind: object, shape: object, code: object) -> np.ndarray[Any, Any]:
    """What an array's pickle begins with; its state brings shape, type and bytes."""
    if kind is not _Ndarray or shape != (0,):
        raise pickle.UnpicklingError("an array that begins with a size")
    return np.ndarray((0,), np.int8)


class _Restricted(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in PICKLED:
            raise pickle.UnpicklingError(f"{module}.{name} is nothing a robot would send")
        if name == "ndarray":
            return _Ndarray
        return _empty if name == "_reconstruct" else super().find_class(module, name)


def _check_size(raw: bytes) -> None:
    """Refuse what is short to send and long to build: a memo of 2³² entries, tuples of tuples."""
    tuples = 0
    for opcode, argument, _ in pickletools.genops(raw):
        if opcode.name in _PUTS and int(argument or 0) >= MEMO_AT_MOST:
            raise pickle.UnpicklingError(f"memo entry {argument}; at most {MEMO_AT_MOST}")
        tuples += opcode.name in _TUPLES
        if tuples > TUPLES_AT_MOST:
            raise pickle.UnpicklingError(f"more than {TUPLES_AT_MOST} tuples")


def unpickled(raw: bytes) -> Any:
    """The value in a pickle of arrays and plain values. Raises BadAnswer for anything else."""
    if len(raw) > ANSWER_AT_MOST:
        raise BadAnswer(f"an answer of {len(raw)} bytes")
    try:
        _check_size(raw)
        return _Restricted(io.BytesIO(raw)).load()
    except Exception as error:  # Unpickling raises whatever the bytes make it raise.
        raise BadAnswer(f"an answer that is refused: {error}") from None


class GelloPeer:
    """Implements :class:`drivers.compat.exchange.Peer`."""

    def __init__(self, port: str) -> None:
        host, number = loopback(port, "GELLO robot node")
        self._endpoint = f"tcp://{host}:{number}"
        self._context: zmq.Context[Any] = zmq.Context.instance()
        self._socket: Any = None

    def open(self) -> None:
        self._socket = self._context.socket(zmq.REQ)
        self._socket.setsockopt(zmq.LINGER, 0)
        # Nothing waits for a node that is away, to move the arm when it is back.
        self._socket.setsockopt(zmq.IMMEDIATE, 1)
        self._socket.setsockopt(zmq.SNDTIMEO, ANSWER_WITHIN_MS)
        self._socket.setsockopt(zmq.RCVTIMEO, ANSWER_WITHIN_MS)
        self._socket.setsockopt(zmq.MAXMSGSIZE, ANSWER_AT_MOST)
        self._socket.connect(self._endpoint)

    def positions(self) -> tuple[float, ...]:
        answer = self._ask("get_joint_state")
        if not isinstance(answer, np.ndarray) or answer.dtype.kind != "f" or answer.ndim != 1:
            raise BadAnswer(f"{self._endpoint}: a joint state that is no row of numbers")
        return tuple(map(float, answer))

    def command(self, positions: Sequence[float]) -> None:
        self._ask("command_joint_state", joint_state=np.array(positions, np.float64))

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close(0)
            self._socket = None

    def _ask(self, method: str, **args: Any) -> Any:
        request: dict[str, Any] = {"method": method}
        if args:
            request["args"] = args
        try:
            self._socket.send(pickle.dumps(request, protocol=4))
            answer = unpickled(self._socket.recv())
        except zmq.Again:
            raise TimeoutError(
                f"{self._endpoint}: no answer to {method} within {ANSWER_WITHIN_MS} ms"
            ) from None
        except zmq.ZMQError as error:
            raise ConnectionError(f"{self._endpoint}: {error}") from None
        if isinstance(answer, dict):
            said = answer.get("error", "something that is no pose")
            raise BadAnswer(f"{self._endpoint}: {method}: {str(said)[:200]}")
        if not isinstance(answer, (np.ndarray, *_PLAIN)):
            raise BadAnswer(
                f"{self._endpoint}: {method}: an answer of type {type(answer).__name__}"
            )
        return answer


def gello_arm(
    spec: ArmSpec, section: GelloSection, port: str, clock: Callable[[], float]
) -> ServedArm:
    """An arm behind a GELLO robot node. Raises CellFileError when the node is not on loopback."""
    return ServedArm(spec, section, port, GelloPeer(port), clock)
