"""What devices have shown of themselves, kept over a restart in a small file: lost without harm, never trusted blindly.

It is no part of the ledger: when it cannot be read or written, the devices are looked at anew.
"""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from baywarden.store.files import move, sync_path

_log: Final = logging.getLogger(__name__)
_NAME: Final = "decisions.json"
_MOST_BYTES: Final = 4_000_000

Memory = Mapping[str, list[dict[str, str]]]


def read_decisions(folder: Path) -> Memory:
    """By device; nothing where there is no file or nothing sensible in it."""
    path = folder / _NAME
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError("it is too large")
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        _log.warning("%s is left out, so devices are looked at anew: %s", path, error)
        return {}
    return {name: _rows(rows) for name, rows in found.items()} if isinstance(found, dict) else {}


def write_decisions(folder: Path, memory: Memory) -> None:
    """All of it, whole or not at all. Raises OSError."""
    part, path = folder / f"{_NAME}.part", folder / _NAME
    part.write_text(json.dumps(memory, indent=1, sort_keys=True) + "\n")
    sync_path(part)
    move(part, path)


def _rows(rows: object) -> list[dict[str, str]]:
    if not isinstance(rows, list):
        return []
    return [
        row for row in rows if isinstance(row, dict) and all(isinstance(text, str) for text in row.values())
    ]
