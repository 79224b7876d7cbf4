"""What is wrong with a site.toml, in words that say what to do.

ConfigError   names the file and holds every fault found in it
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to mend: where, what, which values would do, and the nearest known name."""

    place: str
    problem: str
    accepted: str = ""
    nearest: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        """One sentence, as the technician reads it."""
        where = self.place or "the file"
        text = f"{where}: {self.problem}"
        if self.nearest:
            text += f"; did you mean {self.nearest!r}?"
        if self.accepted:
            text += f" (accepted: {self.accepted})"
        return text


class ConfigError(Exception):
    """The file cannot be used; `faults` are all of its faults in the order of its lines."""

    def __init__(self, file: str, faults: Iterable[Fault]) -> None:
        self.file = file
        self.faults = tuple(sorted(faults, key=lambda fault: fault.line or 0))
        super().__init__("\n".join(f"{file}:{f.line or 1}: {f}" for f in self.faults))


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name that `word` most likely stands for."""
    from difflib import get_close_matches  # noqa: PLC0415 (only a fault needs it, and it would stay for good)

    by_lower = {name.lower(): name for name in known}
    found = get_close_matches(word.lower(), by_lower, n=5, cutoff=0.6)
    best = sorted(found, key=lambda name: name[:1] != word[:1].lower())
    return by_lower[best[0]] if best else None


def listed(words: Iterable[str], most: int = 12) -> str:
    """The words for a sentence, cut where nobody would read on."""
    names = list(words)
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
