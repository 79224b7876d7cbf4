"""Finds the command asked for and loads only that one.

A command is a module with `add_parser(subparsers)` and `run(args) -> int`; a new one is a line in COMMANDS.
Exit codes are drawn at the top of `errors`.
"""

import os
import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Final

from baywarden import __version__
from baywarden_config.errors import BROKEN_OFF, FAILED, WRONG_USE, ToolError

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "run": ("", "run the daemon"),
    "status": ("baywarden_config.status", "what every outlet, meter and circuit does, and why"),
    "bookings": ("baywarden_config.bookings", "list, make, cancel and find bookings"),
    "sessions": ("baywarden_config.sessions", "list, authorize and stop sessions"),
    "tokens": ("baywarden_config.tokens", "list, add and remove tokens of drivers"),
    "penalties": ("baywarden_config.penalties", "list penalties"),
    "policy": ("baywarden_config.policy", "what an overstay policy would charge"),
    "config": ("baywarden_config.files", "write, check and show site.toml"),
    "bus": ("baywarden_config.bus", "find devices on a wire, weigh its load, record and replay it"),
    "device": ("baywarden_config.device", "list, identify, read, write and test devices, and their profiles"),
    "simulate": ("baywarden_config.simulate", "serve simulated chargers and meters"),
    "demo": ("baywarden_config.demo", "a simulated site over real Modbus and MQTT"),
}
"""Name, module (`run` is the daemon's own and never comes here), and what it does."""


def main(words: Sequence[str]) -> int:
    """Run the command line; the result is the exit code."""
    chosen = next((word for word in words if not word.startswith("-")), "")
    parser = _parser(chosen)
    module, _ = COMMANDS.get(chosen, ("", ""))
    return _perform(module, parser, words)


def _parser(chosen: str) -> ArgumentParser:
    parser = ArgumentParser("baywarden", description="The warden of the charging bays.")
    parser.add_argument("--version", action="version", version=f"baywarden {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name, (module, does) in COMMANDS.items():
        if name == chosen and module:
            import_module(module).add_parser(subparsers)
        else:
            subparsers.add_parser(name, help=does, add_help=False)
    return parser


def _perform(module: str, parser: ArgumentParser, words: Sequence[str]) -> int:
    try:
        args = parser.parse_args(words)
        if not module:
            parser.print_help(sys.stderr)
            return WRONG_USE
        code: int = import_module(module).run(args)
        sys.stdout.flush()
    except ToolError as error:
        print(f"baywarden: {error}", file=sys.stderr)
        return error.code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt:
        return BROKEN_OFF
    return code
