"""How long to wait before a wire is opened again."""

import random
from typing import Final

_FIRST_S: Final = 0.5
_LONGEST_S: Final = 5.0


class BackOff:
    """Growing pauses, each a random part of its ceiling: many who lost the same host do not return as one."""

    def __init__(self) -> None:
        self.failures = 0
        """In a row."""
        self.until = 0.0
        self.reason = ""

    def failed(self, reason: str, now: float) -> None:
        """It could not be opened, or was closed again before it was of any use."""
        self.failures += 1
        ceiling_s = min(_LONGEST_S, _FIRST_S * 2.0 ** min(self.failures - 1, 10))
        self.until = now + random.uniform(0, ceiling_s)
        self.reason = reason

    def succeeded(self) -> None:
        """The wire is of use."""
        self.failures, self.until = 0, 0.0
