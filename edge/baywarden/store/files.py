"""The store's folder: names, the lock, and renames that survive a power cut."""

import fcntl
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

from baywarden.ports.store import StoreInUse

KEPT_BACKUPS: Final = 3
_STAMP: Final = "%Y%m%dT%H%M%SZ"
_UNFINISHED: Final = re.compile(r"ledger-\d{8}T\d{6}Z\.part(-wal|-shm|-journal)?")
# The log comes first: a log that is left beside a younger database would be played into it.
_PARTS: Final = ("-wal", "-shm", "")


@dataclass(frozen=True, slots=True)
class Files:
    """Where everything lies."""

    folder: Path

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger.db"

    @property
    def part(self) -> Path:
        """A ledger that is being built; worthless when found."""
        return self.folder / "ledger.part.db"

    @property
    def ready(self) -> Path:
        """A ledger that was built whole and is about to take its place."""
        return self.folder / "ledger.ready.db"

    @property
    def telemetry(self) -> Path:
        return self.folder / "telemetry.db"

    @property
    def epoch(self) -> Path:
        """The newest epoch that was ever begun here; it outlives the ledger."""
        return self.folder / "epoch"

    @property
    def doubt(self) -> Path:
        """Says why the ledger failed at work; the next start mends it however sound it looks."""
        return self.folder / "ledger.doubt"

    def backups(self) -> Sequence[Path]:
        """Newest first; whatever else lies there under another name is not ours."""
        found = (self.folder / "backups").glob("ledger-*.db")
        return sorted((path for path in found if _is_backup(path)), reverse=True)

    def unfinished_backups(self) -> Sequence[Path]:
        """What a kill left of backups that were being made."""
        found = (self.folder / "backups").glob("ledger-*.part*")
        return [path for path in found if _UNFINISHED.fullmatch(path.name)]

    def backup_name(self, at: datetime) -> Path:
        return self.folder / "backups" / f"ledger-{at.astimezone(UTC).strftime(_STAMP)}.db"


def backup_at(path: Path) -> datetime:
    """When a backup was made, by its name."""
    return datetime.strptime(path.stem.removeprefix("ledger-"), _STAMP).replace(tzinfo=UTC)


def _is_backup(path: Path) -> bool:
    try:
        # There and back: strptime also takes a stamp with digits left out.
        return f"ledger-{backup_at(path).strftime(_STAMP)}.db" == path.name and path.is_file()
    except ValueError:
        return False


def sync_path(path: Path) -> None:
    """fsync of a file or a folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def move(source: Path, target: Path) -> None:
    """A rename that a power cut cannot undo half."""
    source.replace(target)
    sync_path(target.parent)


def forget(path: Path) -> None:
    """Remove one of our own unfinished files with what SQLite laid beside it."""
    for part in _PARTS:
        path.with_name(path.name + part).unlink(missing_ok=True)


def set_aside(path: Path, at: datetime) -> Path | None:
    """Rename a database and its log to a name with the time, deleting nothing; None when there is none."""
    number = 0
    while True:
        tail = f"-{number}" if number else ""
        target = path.with_name(f"{path.stem}.damaged-{at.astimezone(UTC).strftime(_STAMP)}{tail}.db")
        if not any(target.with_name(target.name + part).exists() for part in _PARTS):
            break
        number += 1
    found = False
    for part in _PARTS:
        source = path.with_name(path.name + part)
        if source.exists():
            move(source, target.with_name(target.name + part))
            found = True
    return target if found else None


def lock(folder: Path) -> IO[bytes]:
    """Keep every other daemon out of the folder until the file is closed; a killed one lets go by itself."""
    handle = (folder / "lock").open("ab")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        handle.close()
        raise StoreInUse(f"another daemon has the store in {folder} open: stop it first") from error
    return handle


def note_doubt(path: Path, why: str) -> None:
    """Leave word for the next start, durably. Raises OSError."""
    path.write_text(why + "\n")
    sync_path(path)
    sync_path(path.parent)


def read_doubt(path: Path) -> str | None:
    """What the last run left word of; None when it worked to its end."""
    try:
        return path.read_text(errors="replace").strip() or "for a reason that was lost"
    except FileNotFoundError:
        return None


def read_epoch(path: Path) -> int:
    """The newest epoch ever begun; 0 when none is known."""
    try:
        return int(json.loads(path.read_text())["epoch"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def write_epoch(path: Path, epoch: int, tag: str) -> None:
    """Remember the epoch before the first number of it is given."""
    part = path.with_name("epoch.part")
    part.write_text(json.dumps({"epoch": epoch, "tag": tag}) + "\n")
    sync_path(part)
    move(part, path)
