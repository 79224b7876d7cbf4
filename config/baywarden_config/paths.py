"""Files that the command line names: read them or say that they cannot be read; never overwrite one silently."""

from pathlib import Path
from typing import TextIO

from baywarden_config.errors import ToolError, WrongUse
from baywarden_drivers.reasons import reason_of


def check_readable(path: str | Path) -> None:
    """Raises WrongUse for a file that cannot be read; what stands in it is another question."""
    try:
        with Path(path).open("rb"):
            pass
    except OSError as error:
        raise WrongUse(f"{path} cannot be read: {reason_of(error)}") from error


def check_new(path: str | Path, *, force: bool) -> None:
    """Raises ToolError for a file that is there already, before anything is done that would be lost then."""
    if not force and Path(path).exists():
        raise _there_already(path)


def opened_new(path: str | Path, *, force: bool) -> TextIO:
    """The file, to be written. Raises ToolError for one that is there already, and for one that cannot be written."""
    try:
        return Path(path).open("w" if force else "x", encoding="utf-8")
    except FileExistsError:
        raise _there_already(path) from None
    except FileNotFoundError as error:
        raise ToolError(f"{path} cannot be written: there is no folder {Path(path).parent}") from error
    except OSError as error:
        raise ToolError(f"{path} cannot be written: {reason_of(error)}") from error


def _there_already(path: str | Path) -> ToolError:
    return ToolError(f"{path} is there already; --force overwrites it")
