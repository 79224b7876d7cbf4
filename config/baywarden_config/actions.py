"""A command with several actions, each a module of the command's package."""

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from baywarden_config.errors import ToolError, WrongUse


@dataclass(frozen=True, slots=True)
class Actions:
    """`modules` are by their action; each has `add_parser(actions)` and `run(args) -> int`."""

    package: str
    does: str
    modules: Mapping[str, str]
    examples: str

    def add_parser(self, subparsers: Any) -> None:
        """Tell argparse about the command."""
        parser: ArgumentParser = subparsers.add_parser(
            self.package.rpartition(".")[2],
            help=self.does,
            epilog=self.examples,
            formatter_class=RawDescriptionHelpFormatter,
        )
        actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions", required=True)
        for module in self.modules.values():
            import_module(f"{self.package}.{module}").add_parser(actions)

    def run(self, args: Namespace) -> int:
        """Perform the chosen action; what a device does not take is wrong use. Raises ToolError."""
        from baywarden_drivers.errors import DriverError, ValueRefused

        try:
            code: int = import_module(f"{self.package}.{self.modules[args.action]}").run(args)
        except ValueRefused as error:
            raise WrongUse(str(error)) from error
        except DriverError as error:
            raise ToolError(str(error)) from error
        return code
