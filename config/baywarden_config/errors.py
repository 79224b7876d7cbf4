"""How a command ends when it cannot do what was asked.

  0  done                          2  wrong use: words that make no sense, names that nobody has, a file that the
  1  what was asked for failed,       command line names and that cannot be read
     or what was judged is faulty  3  the daemon is not reachable
                                 130  broken off by Ctrl-C

ToolError         the text goes to stderr, `code` is the exit code
  NotReachable    nobody answers at the control socket
  Refused         the daemon said no; its whole reply is kept. What makes no sense to it is wrong use too
  WrongUse        the words of the command line make no sense
"""

from collections.abc import Mapping
from typing import Any, Final

DONE: Final = 0
FAILED: Final = 1
WRONG_USE: Final = 2
NOT_REACHABLE: Final = 3
BROKEN_OFF: Final = 130

_NO_SENSE: Final = ("INVALID", "NOT_SUPPORTED")
_UNKNOWN: Final = ("EVSE_UNKNOWN", "UNKNOWN_RESERVATION", "UNKNOWN_SESSION")


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
        reason, detail = str(reply.get("reason") or ""), str(reply.get("detail") or "")
        if reason in (*_NO_SENSE, *_UNKNOWN):
            self.code = WRONG_USE
        super().__init__(_sentence(str(reply.get("result")), reason, detail))
        self.reply = reply


def _sentence(result: str, reason: str, detail: str) -> str:
    """What the daemon said, for people."""
    word = reason.replace("_", " ").lower()
    if reason in (*_NO_SENSE, "FAILED") and detail:
        return detail
    verb = "could not do it" if result == "FAILED" else "refuses"
    why = f"{detail} ({word})" if detail and word else detail or word or "it gave no reason"
    return f"the daemon {verb}: {why}"
