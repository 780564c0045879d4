"""LeRobot's policy servers speak in pickles: written here without its classes, read without any.

What is sent names the server's own classes. What comes back is read by an unpickler that knows five
names and builds nothing but numbers: whatever else the bytes ask for is refused.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

MODULE: Final = "lerobot.async_inference.helpers"
MAGIC: Final = 0x1950A86A20F9469CFC6C
PROTOCOL: Final = 1001
STORAGES: Final = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
}
MOST_NUMBERS: Final = 1_000_000
MOST_MEMOS: Final = 100_000


class Refused(ValueError):
    """The bytes are no actions, or ask for more than numbers; one line."""


def instance_of(name: str, fields: dict[str, Any]) -> bytes:
    """A pickle of one instance of a class of the server's, by its fields."""
    state = pickle.dumps(fields, protocol=2)[2:-1]
    return b"\x80\x02c" + f"{MODULE}\n{name}\n".encode() + b")\x81" + state + b"b."


def actions_in(data: bytes) -> NDArray[np.float64]:
    """Rows of a pickled list of timed actions, in their order. Raises Refused."""
    try:
        found = _loaded(io.BytesIO(data))
        rows = [np.asarray(_field(a, "action"), np.float64).ravel() for a in found]
        return np.stack(rows) if rows else np.zeros((0, 0))
    except Refused:
        raise
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError) as error:
        raise Refused(f"the answer cannot be read: {_line(error)}") from None
    except (KeyError, IndexError, ImportError, OverflowError, MemoryError, RecursionError) as error:
        raise Refused(f"the answer cannot be read: {_line(error)}") from None


def _loaded(stream: io.BytesIO) -> Any:
    """The next pickle of a stream, unless a memo entry in it would make gigabytes of room."""
    began = stream.tell()
    for opcode, argument, _ in pickletools.genops(stream):
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and int(argument or 0) > MOST_MEMOS:
            raise Refused(f"an answer with memo entry {argument}")
    stream.seek(began)
    return _Reader(stream).load()


class _Timed:
    """An action with its time; only its fields are looked at."""

    def __setstate__(self, state: Any) -> None:
        self.__dict__.update(state if isinstance(state, dict) else {})


def _field(value: Any, name: str) -> Any:
    if not isinstance(value, _Timed) or name not in value.__dict__:
        raise Refused("the answer is no list of timed actions")
    return value.__dict__[name]


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> NDArray[Any]:
    """A tensor out of its storage: offset, size and stride in elements."""
    flat = np.asarray(storage)
    shape, steps = tuple(int(n) for n in size), tuple(int(n) for n in stride)
    if len(shape) != len(steps) or any(n < 0 for n in (*shape, *steps, int(offset))):
        raise Refused("a tensor has no such shape")
    last = int(offset) + sum((n - 1) * s for n, s in zip(shape, steps, strict=True) if n)
    if int(np.prod(shape, dtype=object)) > MOST_NUMBERS or last >= max(len(flat), 1):
        raise Refused("a tensor reaches beyond its numbers")
    view = np.lib.stride_tricks.as_strided(
        flat[int(offset) :], shape, [s * flat.itemsize for s in steps], writeable=False
    )
    return np.array(view)


def _storage(data: Any) -> NDArray[Any]:
    """Numbers out of the file that a storage is saved as (the format before zip files)."""
    if not isinstance(data, bytes):
        raise Refused("a storage is no bytes")
    stream = io.BytesIO(data)
    if _loaded(stream) != MAGIC or _loaded(stream) != PROTOCOL:
        raise Refused("a storage begins with another magic number")
    _loaded(stream)
    dtype, key, count = _loaded(stream)
    if _loaded(stream) != [key]:
        raise Refused("a storage holds another one")
    told = int.from_bytes(stream.read(8), "little")
    if told != count or not 0 <= count <= MOST_NUMBERS:
        raise Refused(f"a storage of {told} numbers")
    if dtype not in STORAGES.values():
        raise Refused("a storage of no known kind")
    raw = stream.read(count * np.dtype(dtype).itemsize)
    return np.frombuffer(raw, dtype)


class _StorageType(str):
    __slots__ = ()


class _Reader(pickle.Unpickler):
    """Knows what actions are made of, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == (MODULE, "TimedAction"):
            return _Timed
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if (module, name) == ("torch.storage", "_load_from_bytes"):
            return _storage
        if (module, name) == ("collections", "OrderedDict"):
            return dict
        if module == "torch" and name in STORAGES:
            return _StorageType(STORAGES[name])
        raise Refused(f"the answer asks for {module[:60]}.{name[:60]}")

    def persistent_load(self, pid: Any) -> Any:
        if not isinstance(pid, tuple) or len(pid) < 5 or pid[0] != "storage":
            raise Refused("the answer refers to something outside of it")
        if not isinstance(pid[1], _StorageType) or not isinstance(pid[4], int):
            raise Refused("a storage of no known kind")
        return str(pid[1]), pid[2], pid[4]


def _line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:120]
