"""The client's side of LeRobot's asynchronous policy servers: gRPC, pickles inside.

``Ready``, then which policy to load, then for each chunk an observation and ``GetActions``. The
messages have one or two fields each and are packed by hand: no generated code.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Final

import numpy as np

from aspire_tui.environment.lerobot_pickles import Refused, actions_in, instance_of
from aspire_tui.environment.motion.pose import FloatArray
from aspire_tui.environment.openpi import MOST_ACTIONS, PolicyDown, WrongAnswer
from drivers.types import PolicySection

SERVICE: Final = "/transport.AsyncInference/"
CHUNK: Final = 2 * 1024 * 1024
BEGIN, MIDDLE, END = 1, 2, 3
LOADED_WITHIN_S: Final = 300.0
"""A policy is loaded when it is first asked for."""
ANSWER_WITHIN_S: Final = 20.0
GRIPPER: Final = "gripper"


class LeRobot:
    """One connection to a server, for one call of a program."""

    def __init__(
        self,
        section: PolicySection,
        joints: Sequence[str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``joints``: their names, as the policy's data set has them, without the gripper."""
        self._section = section
        self._motors = [f"{name}.pos" for name in (*joints, GRIPPER)]
        self._clock = clock
        self._step = 0
        self._told = False

    def __enter__(self) -> LeRobot:
        try:
            import grpc
        except ImportError:
            raise PolicyDown("LeRobot servers need the extra `lerobot`: pip install it") from None
        self._grpc = grpc
        options = [("grpc.max_receive_message_length", 64 << 20), ("grpc.enable_http_proxy", 0)]
        self._channel = grpc.insecure_channel(self._section.address, options)
        self._unary("Ready", b"", ANSWER_WITHIN_S)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._channel.close()

    def actions(self, observation: dict[str, Any]) -> FloatArray:
        """A chunk of actions, shape (K, n + 1): radians and opening 0 to 1.

        Args:
            observation: As openpi's: ``observation/image``, ``observation/wrist_image``,
                ``observation/state`` (joints in radians, opening) and ``prompt``.

        Raises:
            PolicyDown: The server cannot be reached or gives no chunk.
            WrongAnswer: What it gives are no actions.
        """
        pictures = self._pictures(observation)
        if not self._told:
            self._unary("SendPolicyInstructions", _field(1, self._setup(pictures)), LOADED_WITHIN_S)
            self._told = True
        state = np.asarray(observation["observation/state"], np.float64)
        values = [*(self._out(q) for q in state[:-1]), 100.0 * float(state[-1])]
        raw = {
            **{name: float(v) for name, v in zip(self._motors, values, strict=True)},
            **pictures,
            "task": str(observation["prompt"]),
        }
        timed = {
            "timestamp": self._clock(),
            "timestep": self._step,
            "observation": raw,
            "must_go": True,
        }
        self._step += 1
        self._stream("SendObservations", instance_of("TimedObservation", timed))
        return self._chunk()

    def _chunk(self) -> FloatArray:
        data = _value(self._unary("GetActions", b"", ANSWER_WITHIN_S))
        if not data:
            raise PolicyDown(f"{self._section.address} gave no actions for the observation")
        try:
            rows = actions_in(data)
        except Refused as refused:
            raise WrongAnswer(str(refused)) from None
        if rows.ndim != 2 or not 1 <= len(rows) <= MOST_ACTIONS or not np.isfinite(rows).all():
            raise WrongAnswer(f"actions of shape {rows.shape}, or not finite, are not accepted")
        if rows.shape[1] != len(self._motors):
            raise WrongAnswer(f"actions have {rows.shape[1]} columns, asked were {self._motors}")
        out = rows.copy()
        out[:, :-1] = rows[:, :-1] * self._scale()
        out[:, -1] = rows[:, -1] / 100.0
        return np.asarray(out, np.float64)

    def _scale(self) -> float:
        return 1.0 if self._section.unit == "radians" else float(np.pi / 180.0)

    def _out(self, q_rad: float) -> float:
        return float(q_rad) / self._scale()

    def _pictures(self, observation: dict[str, Any]) -> dict[str, Any]:
        found = [observation.get(k) for k in ("observation/image", "observation/wrist_image")]
        return {
            name: np.ascontiguousarray(p)
            for name, p in zip(self._section.images, found, strict=False)
            if p is not None
        }

    def _setup(self, pictures: dict[str, Any]) -> bytes:
        features: dict[str, Any] = {
            "observation.state": {
                "dtype": "float32",
                "shape": (len(self._motors),),
                "names": self._motors,
            }
        }
        for name, picture in pictures.items():
            features[f"observation.images.{name}"] = {
                "dtype": "image",
                "shape": tuple(picture.shape),
                "names": ["height", "width", "channels"],
            }
        return instance_of(
            "RemotePolicyConfig",
            {
                "policy_type": self._section.policy_type,
                "pretrained_name_or_path": self._section.pretrained,
                "lerobot_features": features,
                "actions_per_chunk": self._section.actions_per_chunk,
                "device": self._section.device,
                "rename_map": {},
            },
        )

    def _unary(self, method: str, body: bytes, within_s: float) -> bytes:
        return self._call(self._channel.unary_unary, method, body, within_s)

    def _stream(self, method: str, data: bytes) -> None:
        self._call(self._channel.stream_unary, method, _chunks(data), ANSWER_WITHIN_S)

    def _call(self, kind: Any, method: str, body: Any, within_s: float) -> bytes:
        ask = kind(SERVICE + method, request_serializer=bytes, response_deserializer=bytes)
        try:
            answer: bytes = ask(body, timeout=within_s, wait_for_ready=False)
        except self._grpc.RpcError as error:
            why = f"{error.code().name}: {error.details()}".splitlines()[0][:160]
            raise PolicyDown(f"{self._section.address}, {method}: {why}") from None
        return answer


def _chunks(data: bytes) -> Iterator[bytes]:
    """An observation in pieces, each with whether it begins, goes on or ends."""
    for at in range(0, len(data), CHUNK):
        ends = at + CHUNK >= len(data)
        state = END if ends else BEGIN if at == 0 else MIDDLE
        yield b"\x08" + bytes((state,)) + _field(2, data[at : at + CHUNK])


def _field(number: int, data: bytes) -> bytes:
    """One field of bytes, as protocol buffers have it."""
    return bytes(((number << 3) | 2,)) + _varint(len(data)) + data


def _varint(n: int) -> bytes:
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def _value(message: bytes) -> bytes:
    """The bytes of a message's first field; empty when it has none. Raises WrongAnswer."""
    if not message:
        return b""
    if message[0] != 0x0A:
        raise WrongAnswer("the answer has no actions in its first field")
    size, at, shift = 0, 1, 0
    while at < len(message) and shift < 35:
        size |= (message[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if not message[at - 1] & 128:
            break
    if at + size > len(message):
        raise WrongAnswer("the answer is cut off")
    return message[at : at + size]
