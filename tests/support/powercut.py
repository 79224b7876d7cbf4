"""A disk whose power can be cut, or that refuses: a layer over SQLite's own file system, made with ctypes.

It passes everything through and writes down each write, truncation and sync of a database file. From such
a log `images` builds what a disk may hold after a cut: all that was synced, and of the rest nothing, all, any
part, or halves. It needs a `sqlite3` module that is linked to a shared libsqlite3; `unavailable` says why
there is none.
"""

import ctypes
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int64, c_void_p, cast, string_at
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SQLITE_FULL = 13
SQLITE_IOERR_FSYNC = 10 | (4 << 8)
SQLITE_IOERR_TRUNCATE = 10 | (6 << 8)

_WRITE = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
_TRUNCATE = CFUNCTYPE(c_int, c_void_p, c_int64)
_SYNC = CFUNCTYPE(c_int, c_void_p, c_int)
# The path is passed on as the pointer it is: SQLite keeps it and reads on behind its end.
_OPEN = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, c_void_p)


class _Methods(Structure):
    _fields_ = [
        ("version", c_int),
        ("close", c_void_p),
        ("read", c_void_p),
        ("write", _WRITE),
        ("truncate", _TRUNCATE),
        ("sync", _SYNC),
        ("others", c_void_p * 13),
    ]


class _Vfs(Structure):
    _fields_ = [
        ("version", c_int),
        ("file_size", c_int),
        ("path_size", c_int),
        ("next", c_void_p),
        ("name", c_char_p),
        ("app_data", c_void_p),
        ("open", _OPEN),
        ("others", c_void_p * 15),
    ]


def _library() -> Any:
    import _sqlite3  # noqa: PLC0415 (private, and not the same everywhere)

    library = ctypes.CDLL(getattr(_sqlite3, "__file__", None) or None)
    library.sqlite3_vfs_find.restype = POINTER(_Vfs)
    library.sqlite3_vfs_find.argtypes = [c_char_p]
    library.sqlite3_vfs_register.argtypes = [c_void_p, c_int]
    return library


def unavailable() -> str | None:
    """Why the disk cannot be made here; None when it can."""
    try:
        found = _library().sqlite3_vfs_find(None)
    except (AttributeError, ImportError, OSError) as error:
        return f"SQLite's file systems cannot be reached: {error}"
    return None if found and found.contents.version >= 3 else "SQLite's file system has another shape here"


@dataclass(frozen=True, slots=True)
class Write:
    path: str
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncate:
    path: str
    size: int


@dataclass(frozen=True, slots=True)
class Sync:
    path: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Something the test wants to find again in the log."""

    what: Any


Op = Write | Truncate | Sync | Mark


class FragileDisk:
    """Registered under `name` for the life of the process; connect with `?vfs=name`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.log: list[Op] = []
        self.recording = False
        self.refuse: Callable[[Op], bool] = lambda op: False
        self._paths: dict[int, str] = {}
        self._tables: dict[int, _Methods] = {}
        self._kept: list[Any] = []
        library = _library()
        self._real = library.sqlite3_vfs_find(None).contents
        self._vfs = _Vfs.from_buffer_copy(self._real)
        self._vfs.name = name.encode()
        self._vfs.open = self._keep(_OPEN(self._open))
        library.sqlite3_vfs_register(ctypes.byref(self._vfs), 0)

    def mark(self, what: Any) -> None:
        """Note that something is true from here on (a commit was acknowledged)."""
        self.log.append(Mark(what))

    def _keep(self, function: Any) -> Any:
        self._kept.append(function)
        return function

    def _open(self, vfs: int, path: int | None, file: int, flags: int, out_flags: int | None) -> int:
        code: int = self._real.open(vfs, path, file, flags, out_flags)
        if code == 0 and path is not None:
            self._paths[file] = string_at(path).decode()
            table = cast(file, POINTER(c_void_p))
            original = table[0]
            assert original is not None
            if original not in self._tables:
                self._tables[original] = self._watched(original)
            table[0] = ctypes.addressof(self._tables[original])
        return code

    def _watched(self, original: int) -> _Methods:
        real = _Methods.from_address(original)

        def write(file: int, data: int, size: int, offset: int) -> int:
            op = Write(self._paths[file], offset, string_at(data, size))
            return SQLITE_FULL if self._refused(op) else int(real.write(file, data, size, offset))

        def truncate(file: int, size: int) -> int:
            op = Truncate(self._paths[file], size)
            return SQLITE_IOERR_TRUNCATE if self._refused(op) else int(real.truncate(file, size))

        def sync(file: int, flags: int) -> int:
            return (
                SQLITE_IOERR_FSYNC if self._refused(Sync(self._paths[file])) else int(real.sync(file, flags))
            )

        watched = _Methods.from_buffer_copy(real)
        watched.write, watched.truncate, watched.sync = (
            self._keep(_WRITE(write)),
            self._keep(_TRUNCATE(truncate)),
            self._keep(_SYNC(sync)),
        )
        return watched

    def _refused(self, op: Op) -> bool:
        if self.refuse(op):
            return True
        if self.recording:
            self.log.append(op)
        return False


def images(
    log: Sequence[Op], start: Mapping[str, bytes], cuts: int, seed: int
) -> Iterator[tuple[list[Any], dict[str, bytes]]]:
    """For each of `cuts` moments: the marks made before it, and the files as the disk may hold them."""
    dice = random.Random(seed)
    durable = {path: bytearray(data) for path, data in start.items()}
    pending: dict[str, list[Write | Truncate]] = {path: [] for path in start}
    marks: list[Any] = []
    chosen = set(dice.sample(range(len(log)), min(cuts, len(log))))
    for index, op in enumerate(log):
        if index in chosen:
            yield list(marks), {path: _after_cut(durable[path], pending[path], dice) for path in durable}
        match op:
            case Mark(what):
                marks.append(what)
            case Sync(path):
                for done in pending.setdefault(path, []):
                    _apply(durable.setdefault(path, bytearray()), done)
                pending[path] = []
            case Write(path) | Truncate(path):
                durable.setdefault(path, bytearray())
                pending.setdefault(path, []).append(op)


def _after_cut(durable: bytearray, pending: Sequence[Write | Truncate], dice: random.Random) -> bytes:
    image = bytearray(durable)
    fate = dice.choice(("nothing", "all", "any", "halves"))
    for op in pending:
        if fate == "nothing" or (fate != "all" and dice.random() < 0.5):
            continue
        _apply(image, _torn(op, dice) if fate == "halves" else op)
    return bytes(image)


def _torn(op: Write | Truncate, dice: random.Random) -> Write | Truncate:
    """Only the beginning of a write."""
    if isinstance(op, Truncate):
        return op
    return Write(op.path, op.offset, op.data[: dice.randrange(len(op.data) + 1)])


def _apply(image: bytearray, op: Write | Truncate) -> None:
    match op:
        case Write(_, offset, data):
            image.extend(bytes(max(0, offset + len(data) - len(image))))
            image[offset : offset + len(data)] = data
        case Truncate(_, size):
            image.extend(bytes(max(0, size - len(image))))
            del image[size:]


def lay_out(image: Mapping[str, bytes], old: Path, new: Path) -> None:
    """Write the files of an image that came from folder `old` into folder `new`."""
    for path, data in image.items():
        (new / Path(path).relative_to(old)).write_bytes(data)
