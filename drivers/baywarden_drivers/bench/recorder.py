"""Writes what goes over one link into a file, as it goes."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal, TextIO

from baywarden_drivers.bench.frames import Framing
from baywarden_drivers.bench.names import Names, Tenant
from baywarden_drivers.bench.trace import Head, Piece, Reader
from baywarden_drivers.mono import mono_s


class Recorder:
    """`take` is what a link wants as its tracer."""

    def __init__(self, where: str, framing: Framing, tenants: Sequence[Tenant], file: TextIO) -> None:
        devices = [
            {"unit": one.unit, "profile": one.profile.name, "connector": one.connector} for one in tenants
        ]
        head = Head(where, where, framing, datetime.now(UTC).isoformat(timespec="milliseconds"), devices)
        self._reader = Reader(framing, Names(tenants))
        self._file = file
        self._began_s = mono_s()
        self._write(head.line())

    def take(self, direction: Literal["sent", "received"], data: bytes) -> None:
        """One piece of data, now."""
        piece = Piece((mono_s() - self._began_s) * 1000, direction, bytes(data))
        self._write(json.dumps(self._reader.line(piece), ensure_ascii=False))

    def _write(self, line: str) -> None:
        self._file.write(line + "\n")
        self._file.flush()
