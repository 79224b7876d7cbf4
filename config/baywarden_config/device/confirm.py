"""Asks before something happens that somebody on site would notice."""

import sys

from baywarden_config.errors import WrongUse


def confirmed(question: str, *, yes: bool) -> bool:
    """Whether a person agrees. Raises WrongUse where nobody can be asked and --yes was not given."""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise WrongUse(f"{question}\nNobody can be asked here: add --yes")
    print(question, file=sys.stderr)
    print("Do it? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
