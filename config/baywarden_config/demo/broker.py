"""An MQTT 5 broker on 127.0.0.1: mosquitto where installed, else the one of the `demo` extra."""

import importlib.util
import os
import pwd
import shutil
import socket
import sys
import time
from enum import Enum
from pathlib import Path
from typing import Final, Self

from baywarden_config.demo.child import Child, ChildFailed

HOST: Final = "127.0.0.1"
_READY_S: Final = 15.0
_MOSQUITTO_PATHS: Final = ("/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto")

_MOSQUITTO_CONF: Final = """\
listener {port} {host}
allow_anonymous true
user {user}
persistence true
persistence_location {folder}/
autosave_interval 1
autosave_on_changes true
max_queued_messages 0
max_inflight_messages 100
"""

_IOTCORE_CONF: Final = """\
id = 0

[router]
id = 0
max_connections = 100
max_outgoing_packet_count = 200
max_segment_size = 16777216
max_segment_count = 10

[v5.1]
name = "v5"
listen = "{host}:{port}"
next_connection_delay_ms = 1

[v5.1.connections]
connection_timeout_ms = 10000
max_payload_size = 262144
max_inflight_count = 100
dynamic_filters = true
"""

# The broker below traces every packet as an error; only its panics are of interest.
_IOTCORE_MAIN: Final = """\
import logging, sys
logging.basicConfig(level=logging.WARNING)
logging.getLogger("rumqttd").setLevel(logging.CRITICAL)
from iotcore import IotCoreBroker
IotCoreBroker(config_path=sys.argv[1]).run_forever()
"""


class BrokerKind(Enum):
    """What can serve. Only mosquitto keeps sessions and retained messages over a restart."""

    MOSQUITTO = "mosquitto"
    IOTCORE = "iotcore"


class NoBroker(Exception):
    """No broker can be started here; the text says what to install."""


def mosquitto() -> str | None:
    """The path of mosquitto; its folder is often not on a plain user's PATH."""
    found = shutil.which("mosquitto")
    return found or next((path for path in _MOSQUITTO_PATHS if os.access(path, os.X_OK)), None)


def broker_kinds() -> tuple[BrokerKind, ...]:
    """What this machine has, best first."""
    kinds = [BrokerKind.MOSQUITTO] if mosquitto() else []
    if importlib.util.find_spec("iotcore") is not None:
        kinds.append(BrokerKind.IOTCORE)
    return tuple(kinds)


def chosen(kind: BrokerKind | None = None) -> BrokerKind:
    """The wanted kind, or the best one. Raises NoBroker when it is not here."""
    kinds = broker_kinds()
    if not kinds or (kind is not None and kind not in kinds):
        wanted = "MQTT broker" if kind is None else kind.value
        raise NoBroker(f"there is no {wanted} here: install mosquitto, or the extra `baywarden[demo]`")
    return kind or kinds[0]


def free_port(host: str = HOST) -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


class Broker:
    """A broker as a child process; restart() serves the same port again. Usable in `with`. Raises NoBroker."""

    def __init__(self, folder: Path, *, port: int | None = None, kind: BrokerKind | None = None) -> None:
        self.kind = chosen(kind)
        self.host = HOST
        self.port = port or free_port()
        folder.mkdir(parents=True, exist_ok=True)
        self._child = Child("broker", self._argv(folder), folder)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        """Whether it serves."""
        return self._child.running

    def check(self) -> None:
        """Raise ChildFailed when it has ended by itself."""
        self._child.check()

    def start(self) -> None:
        """Start it and return once it accepts connections. Raises ChildFailed when it does not."""
        self._child.start()
        until = time.monotonic() + _READY_S
        while time.monotonic() < until:
            self._child.check()
            if _accepts(self.host, self.port):
                return
            time.sleep(0.02)
        self._child.stop()
        raise ChildFailed(
            f"the broker does not accept connections after {_READY_S:g} s: {self._child.last_words()}"
        )

    def stop(self) -> None:
        """End it gently; every client is disconnected."""
        self._child.stop()

    def kill(self) -> None:
        """End it at once (SIGKILL)."""
        self._child.kill()

    def restart(self) -> None:
        """Stop it if it runs, and serve the same port again."""
        self._child.stop()
        self.start()

    def _argv(self, folder: Path) -> list[str]:
        user = pwd.getpwuid(os.geteuid()).pw_name
        if self.kind is BrokerKind.MOSQUITTO:
            conf, text = folder / "mosquitto.conf", _MOSQUITTO_CONF
            argv = [mosquitto() or "mosquitto", "-c", str(conf)]
        else:
            conf, text = folder / "iotcore.toml", _IOTCORE_CONF
            argv = [sys.executable, "-P", "-c", _IOTCORE_MAIN, str(conf)]
        conf.write_text(text.format(host=self.host, port=self.port, folder=folder, user=user))
        return argv


def _accepts(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=0.5):
            return True
    except OSError:
        return False
