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
MEMO_AT_MOST: Final = 256
TUPLES_AT_MOST: Final = 16
"""An array is five; tuples of tuples take twice as long to hash at every level."""
_PUTS: Final = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})
_TUPLES: Final = frozenset({"TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"})
_PLAIN: Final = (type(None), bool, int, float, str)


class _Type:
    """A dtype as it is pickled; numpy's own would believe whatever its state says."""

    def __init__(self, code: object = "", *_: object) -> None:
        self._code, self._order = code, "|"

    def __setstate__(self, state: object) -> None:
        if isinstance(state, tuple) and len(state) > 1:
            self._order = state[1]

    def numpy(self) -> np.dtype[Any]:
        if self._code not in NUMBERS or self._order not in ("<", ">", "|"):
            raise pickle.UnpicklingError(f"numbers of type {self._order}{self._code}"[:60])
        return np.dtype(f"{self._order}{self._code}")


class _Array:
    """An array as it is pickled: an empty one, and a state that brings shape, type and bytes."""

    def __init__(self, *_: object) -> None:
        self._state: object = None

    def __setstate__(self, state: object) -> None:
        self._state = state

    def numpy(self) -> np.ndarray[Any, Any]:
        if not isinstance(self._state, tuple) or len(self._state) != 5:
            raise pickle.UnpicklingError("an array without its numbers")
        _, shape, kind, by_columns, data = self._state
        return _filled(data, kind, shape, "F" if by_columns else "C")


def _filled(data: Any, kind: Any, shape: Any, order: Any) -> np.ndarray[Any, Any]:
    """Numbers out of bytes; numpy checks that there are as many as the shape says."""
    if not isinstance(kind, _Type) or order not in ("C", "F"):
        raise pickle.UnpicklingError("an array of no known type")
    return np.frombuffer(data, kind.numpy()).reshape(shape, order=order).copy()


def _scalar(kind: Any, data: Any = b"") -> Any:
    return _filled(data, kind, (), "C")[()]


STAND_INS: Final[dict[tuple[str, str], Any]] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Type,
    **{
        (f"numpy.{core}.{module}", name): stand_in
        for core in ("core", "_core")
        for module, name, stand_in in (
            ("multiarray", "_reconstruct", _Array),
            ("multiarray", "scalar", _scalar),
            ("numeric", "_frombuffer", _filled),
        )
    },
}
"""All that arrays and numbers are made of, each by something that only keeps what it is told."""
NUMBERS: Final = frozenset({"f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "b1"})


class _Restricted(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in STAND_INS:
            raise pickle.UnpicklingError(f"{module}.{name} is nothing a robot would send")
        return STAND_INS[module, name]


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
    """The array, number or plain value in a pickle. Raises BadAnswer for anything else."""
    if len(raw) > ANSWER_AT_MOST:
        raise BadAnswer(f"an answer of {len(raw)} bytes")
    try:
        _check_size(raw)
        found = _Restricted(io.BytesIO(raw)).load()
        return found.numpy() if isinstance(found, _Array) else found
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
