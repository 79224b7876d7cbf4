"""`baywarden bus`: what is on a wire, what it can carry, and what is said on it."""

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from importlib import import_module
from typing import Any, Final

from baywarden_config.errors import ToolError

ACTIONS: Final = ("scan", "budget", "trace", "replay")
"""Each is a module of this package with `add_parser(actions)` and `run(args) -> int`."""

EXAMPLES: Final = """examples:
  baywarden bus scan /dev/serial/by-id/usb-FTDI_FT232R-if00-port0
  baywarden bus scan --tcp 192.0.2.7 --tcp 192.0.2.8:1502
  baywarden bus budget --config site.toml
  baywarden bus budget --serial 9600/8N1 eastron-sdm630=12
  baywarden bus trace bus --out bus.trace --for 60s
  baywarden bus replay bus.trace --tcp 1502
"""


def add_parser(subparsers: Any) -> None:
    """Tell argparse about the command."""
    parser: ArgumentParser = subparsers.add_parser(
        "bus",
        help="find devices on a wire, weigh its load, record and replay it",
        epilog=EXAMPLES,
        formatter_class=RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions", required=True)
    for name in ACTIONS:
        import_module(f"{__name__}.{name}").add_parser(actions)


def run(args: Namespace) -> int:
    """Perform the chosen action."""
    from baywarden_drivers.errors import DriverError

    try:
        code: int = import_module(f"{__name__}.{args.action}").run(args)
    except DriverError as error:
        raise ToolError(str(error)) from error
    return code
