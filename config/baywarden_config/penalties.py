"""`baywarden penalties`: list what is owed."""

from argparse import ArgumentParser, Namespace
from typing import Any

from baywarden.model.overstay import PenaltyStatus
from baywarden_config.asking import listing, talking
from baywarden_config.layout import money, said, token
from baywarden_config.lists import identity, print_list
from baywarden_config.times import shown


def add_parser(subparsers: Any) -> None:
    """Tell argparse about the command."""
    parser: ArgumentParser = subparsers.add_parser("penalties", help="list penalties")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions", required=True)
    actions.add_parser("list", help="newest first", parents=[listing(PenaltyStatus), talking()])


def run(args: Namespace) -> int:
    """Print the list."""
    columns = {
        "PENALTY": lambda item: identity(item, "penalty_id", "id"),
        "OUTLET": lambda item: said(item.get("evse_id")),
        "KIND": lambda item: said(item.get("kind")),
        "STATUS": lambda item: said(item.get("status")),
        "AMOUNT": money,
        "FROM": lambda item: shown(item.get("from_at"), args.local),
        "TO": lambda item: shown(item.get("to_at"), args.local),
        "BILLED S": lambda item: said(item.get("billed_s")),
        "TOKEN": lambda item: token(item.get("token")),
        "POLICY": _policy,
    }
    return print_list(args, "penalties.list", columns, "There are no such penalties.")


def _policy(item: Any) -> str:
    name, version = item.get("policy_id"), item.get("policy_version")
    return f"{name} v{version}" if name and version is not None else said(name)
