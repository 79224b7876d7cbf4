"""`baywarden policy`: what a rule would charge."""

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from importlib import import_module
from typing import Any, Final

EXAMPLES: Final = """examples:
  baywarden policy try --policy idle.toml --timeline evening.json
  baywarden policy try --policy late.json --timeline stay.json --booking-end 2026-05-01T15:00:00Z --json
"""


def add_parser(subparsers: Any) -> None:
    """Tell argparse about the command."""
    parser: ArgumentParser = subparsers.add_parser(
        "policy",
        help="what an overstay policy would charge",
        epilog=EXAMPLES,
        formatter_class=RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions", required=True)
    import_module(f"{__name__}.tried").add_parser(actions)


def run(args: Namespace) -> int:
    """Perform the chosen action."""
    code: int = import_module(f"{__name__}.tried").run(args)
    return code
