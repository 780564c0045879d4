"""CURVE keys for cells reached over a network. Without keys a host listens on local sockets only.

A folder holds ``host.key`` / ``host.key_secret`` and ``authorized/NAME.ROLE.key``, one public key
per client; ROLE is the most that client may be. Secret files are 0600.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

import zmq
import zmq.auth

from drivers.door import Door
from drivers.errors import CellFileError
from drivers.wire import Standing

HOST: Final = "host"
AUTHORIZED: Final = "authorized"


@dataclass(frozen=True)
class KeyPair:
    public: bytes
    secret: bytes


def make_keys(folder: Path, name: str = HOST, role: Standing | None = None) -> Path:
    """Create a key pair; never overwrites.

    Args:
        role: For a client: becomes part of its file names.

    Returns:
        The secret file, mode 0600.
    """
    stem = name if role is None else f"{name}.{role}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    secret = folder / f"{stem}.key_secret"
    if secret.exists():
        raise CellFileError(f"{secret} exists; remove it to make a new key")
    before = os.umask(0o077)
    try:
        zmq.auth.create_certificates(folder, stem)
    finally:
        os.umask(before)
    secret.chmod(0o600)
    return secret


def load_keys(secret: Path) -> KeyPair:
    """A key pair from its secret file. Refused when others may read it."""
    try:
        mode = stat.S_IMODE(secret.stat().st_mode)
        public_key, secret_key = zmq.auth.load_certificate(secret)
    except (OSError, ValueError) as error:
        raise CellFileError(f"{secret}: {error}") from None
    if mode & 0o077:
        raise CellFileError(f"{secret} can be read by others; chmod 600 it")
    if secret_key is None:
        raise CellFileError(f"{secret} holds no secret key")
    return KeyPair(public_key, secret_key)


def load_public_key(file: Path) -> bytes:
    """A public key from its file, as somebody else gave it to us."""
    try:
        public_key, _ = zmq.auth.load_certificate(file)
    except (OSError, ValueError) as error:
        raise CellFileError(f"{file}: {error}") from None
    return public_key


class Doorkeeper:
    """Lets only authorised keys in, and knows the most each may be."""

    def __init__(self, folder: Path, context: zmq.Context[zmq.Socket[bytes]]) -> None:
        self._host = load_keys(folder / f"{HOST}.key_secret")
        self._roles: dict[str, Standing] = {}
        authorized = folder / AUTHORIZED
        for file in sorted(authorized.glob("*.key")):
            public_key, _ = zmq.auth.load_certificate(file)
            self._roles[public_key.decode()] = _role_in(file)
        if not self._roles:
            raise CellFileError(f"{authorized} holds no client keys; nobody could connect")
        self._door = Door([key.encode() for key in self._roles], context)

    def prepare(self, socket: zmq.Socket[bytes]) -> None:
        """Make a socket speak CURVE before it is bound."""
        socket.curve_secretkey = self._host.secret
        socket.curve_publickey = self._host.public
        socket.curve_server = True

    def role_of(self, frame: zmq.Frame) -> Standing:
        """The most the sender of a message may be."""
        try:
            return self._roles.get(str(frame.get("User-Id")), "viewer")
        except zmq.ZMQError:
            return "viewer"

    def close(self) -> None:
        self._door.close()


def _role_in(file: Path) -> Standing:
    said = file.stem.rpartition(".")[2]
    for role in get_args(Standing):
        if said == role:
            return role  # type: ignore[no-any-return]
    raise CellFileError(
        f"{file}: name it NAME.ROLE.key, ROLE one of {', '.join(get_args(Standing))}"
    )
