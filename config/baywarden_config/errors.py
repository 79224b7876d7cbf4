"""How a command ends when it cannot do what was asked.

ToolError         the text goes to stderr, `code` is the exit code
  NotReachable    nobody answers at the control socket
  Refused         the daemon said no; its whole reply is kept
  WrongUse        the words of the command line make no sense
"""

from collections.abc import Mapping
from typing import Any, Final

DONE: Final = 0
FAILED: Final = 1
WRONG_USE: Final = 2
NOT_REACHABLE: Final = 3


class ToolError(Exception):
    """The command ends here."""

    code = FAILED


class NotReachable(ToolError):
    """Nobody answers at the control socket."""

    code = NOT_REACHABLE


class WrongUse(ToolError):
    """The words of the command line make no sense."""

    code = WRONG_USE


class Refused(ToolError):
    """The daemon said no."""

    def __init__(self, reply: Mapping[str, Any]) -> None:
        verdict = str(reply.get("result") or "no result").lower()
        why = ": ".join(str(part) for part in (reply.get("reason"), reply.get("detail")) if part)
        super().__init__(f"{verdict}: {why or 'the daemon gave no reason'}")
        self.reply = reply
