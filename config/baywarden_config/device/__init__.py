"""`baywarden device`: the catalogue, single devices on a link or through the daemon, and an operator's own profiles."""

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from importlib import import_module
from typing import Any, Final

from baywarden_config.errors import ToolError, WrongUse

ACTIONS: Final = {
    "list": "catalogue",
    "identify": "identify",
    "read": "read",
    "watch": "watch",
    "write": "write",
    "test": "trial",
    "new": "own",
    "check": "judge",
}
"""Action and module of this package with `add_parser(actions)` and `run(args) -> int`."""

EXAMPLES: Final = """examples:
  baywarden device list keba
  baywarden device identify --tcp 192.0.2.7
  baywarden device read --serial /dev/ttyUSB0 --profile eastron-sdm630 --unit 1
  baywarden device watch --evse bay-1 power current_l1
  baywarden device write --tcp 192.0.2.7 --profile keba-p30 set_current_limit 10
  baywarden device test --tcp 192.0.2.7 --profile keba-p30
  baywarden device new my-box --from keba-p30
  baywarden device check /etc/baywarden/profiles/my-box.toml
"""


def add_parser(subparsers: Any) -> None:
    """Tell argparse about the command."""
    parser: ArgumentParser = subparsers.add_parser(
        "device",
        help="list, identify, read, write and test devices, and their profiles",
        epilog=EXAMPLES,
        formatter_class=RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions", required=True)
    for module in ACTIONS.values():
        import_module(f"{__name__}.{module}").add_parser(actions)


def run(args: Namespace) -> int:
    """Perform the chosen action."""
    from baywarden_drivers.errors import DriverError, ValueRefused

    try:
        code: int = import_module(f"{__name__}.{ACTIONS[args.action]}").run(args)
    except ValueRefused as error:
        raise WrongUse(str(error)) from error
    except DriverError as error:
        raise ToolError(str(error)) from error
    return code
