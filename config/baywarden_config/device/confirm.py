"""Asks before something happens that somebody on site would notice."""

import asyncio
import sys

from baywarden_config.errors import WrongUse


def confirmed(question: str, *, yes: bool) -> bool:
    """Whether a person agrees. Raises WrongUse where nobody can be asked and --yes was not given."""
    if yes:
        return True
    _put(question)
    return _is_yes(sys.stdin.readline())


async def agreed(question: str, *, yes: bool) -> bool:
    """The same inside an event loop: a Ctrl-C at the question ends it at once."""
    if yes:
        return True
    _put(question)
    loop = asyncio.get_running_loop()
    typed = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), typed.set)
    try:
        await typed.wait()
    finally:
        loop.remove_reader(sys.stdin.fileno())
    return _is_yes(sys.stdin.readline())


def _put(question: str) -> None:
    if not sys.stdin.isatty():
        raise WrongUse(f"{question}\nNobody can be asked here: add --yes")
    print(question, file=sys.stderr)
    print("Do it? [y/N] ", end="", file=sys.stderr, flush=True)


def _is_yes(line: str) -> bool:
    return line.strip().lower() in ("y", "yes")
