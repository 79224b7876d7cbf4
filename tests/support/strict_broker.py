"""A broker that does not let everybody in, by its own configuration, of whichever kind this machine has."""

import hashlib
import os
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from support.broker import Broker, BrokerKind
from support.certificates import Papers

_ROUNDS: Final = 101


@contextmanager
def strict_broker(folder: Path, kind: BrokerKind, *lines: str) -> Iterator[Broker]:
    """A broker that lets nobody in but by these lines of its configuration."""
    broker = Broker(folder / "broker", kind=kind)
    [conf] = [path for path in (folder / "broker").iterdir() if path.suffix in (".conf", ".toml")]
    text = conf.read_text().replace("allow_anonymous true", "allow_anonymous false")
    conf.write_text(text + "\n".join(lines) + "\n")
    with broker:
        yield broker


def passwords(folder: Path, kind: BrokerKind, users: dict[str, str]) -> list[str]:
    """The lines by which only these users come in."""
    if kind is BrokerKind.IOTCORE:
        return ["[v5.1.connections.auth]", *(f'"{user}" = "{password}"' for user, password in users.items())]
    path = folder / "passwords"
    path.touch(mode=0o600)
    path.write_text("".join(f"{user}:{_hashed(password)}\n" for user, password in users.items()))
    return [f"password_file {path}"]


def tls(papers: Papers, kind: BrokerKind) -> list[str]:
    """The lines by which it shows its certificate; mosquitto asks for the client's, iotcore cannot."""
    if kind is BrokerKind.IOTCORE:
        return ["[v5.1.tls]", f'certpath = "{papers.path("broker")}"', f'keypath = "{papers.key("broker")}"']
    return [
        f"cafile {papers.path('ca')}",
        f"certfile {papers.path('broker')}",
        f"keyfile {papers.key('broker')}",
        "require_certificate true",
        "use_identity_as_username true",
    ]


def _hashed(password: str) -> str:
    """As mosquitto_passwd, which may not be installed, writes it."""
    salt = os.urandom(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ROUNDS)
    return f"$7${_ROUNDS}${b64encode(salt).decode()}${b64encode(digest).decode()}"
