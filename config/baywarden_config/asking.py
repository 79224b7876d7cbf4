"""Asks the daemon over its control socket."""

import json
import os
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

from baywarden.control.client import ControlClient, DaemonUnreachable
from baywarden.control.wire import DEFAULT_PATH
from baywarden_config.errors import NotReachable, Refused
from baywarden_config.numbers import whole

SOCKET_VARIABLE: Final = "BAYWARDEN_SOCKET"
PAGE: Final = 100

Reply = Mapping[str, Any]


def talking() -> ArgumentParser:
    """The options of every command that talks to the daemon."""
    parent = ArgumentParser(add_help=False)
    parent.add_argument(
        "--socket",
        metavar="PATH",
        default=os.environ.get(SOCKET_VARIABLE) or str(DEFAULT_PATH),
        help=f"control socket of the daemon (default: ${SOCKET_VARIABLE}, else {DEFAULT_PATH})",
    )
    parent.add_argument("--json", action="store_true", help="print the answer as JSON")
    parent.add_argument(
        "--local", action="store_true", help="print times in this machine's zone instead of UTC"
    )
    return parent


def listing(statuses: type[Enum]) -> ArgumentParser:
    """The options of every command that lists history, with the statuses that there are."""
    words = [str(one.value) for one in statuses]
    parent = ArgumentParser(add_help=False)
    parent.add_argument("--evse", metavar="ID", help="only of this outlet")
    parent.add_argument(
        "--status",
        metavar="WORD",
        type=str.upper,
        choices=words,
        help=f"only of this one: {', '.join(words)}",
    )
    parent.add_argument(
        "--limit",
        metavar="N",
        type=whole(1, 100_000),
        default=20,
        help="at most so many (default: %(default)s)",
    )
    parent.add_argument("--after", metavar="CURSOR", help="go on where an earlier list ended")
    return parent


def ask(args: Namespace, name: str, params: Mapping[str, Any] | None = None) -> Reply:
    """The daemon's reply to an accepted request. Raises NotReachable and Refused."""
    given = {key: value for key, value in (params or {}).items() if value is not None}
    try:
        with ControlClient(args.socket) as client:
            reply = client.call(name, given)
    except DaemonUnreachable as error:
        doubt = "; it may have been done: look before repeating it" if error.may_have_acted else ""
        raise NotReachable(f"{error}{doubt}") from error
    if reply.get("result") != "ACCEPTED":
        if args.json:
            show(reply)
        raise Refused(reply)
    return {"data": {}, **reply}


def page(args: Namespace, name: str) -> Mapping[str, Any]:
    """Up to `--limit` items, newest first, gathered from the daemon's short pages, and the next cursor."""
    where = {"status": args.status, "evse_id": args.evse}
    chosen = {key: value for key, value in where.items() if value is not None}
    items: list[Any] = []
    cursor = args.after
    while True:
        size = min(PAGE, args.limit - len(items))
        data = ask(args, name, {"after": cursor, "limit": size, "where": chosen})["data"]
        found = data.get("items", [])
        items += found
        cursor = data.get("next")
        if cursor is None or not found or len(items) >= args.limit:
            return {"items": items, "next": cursor}


def show(answer: Mapping[str, Any]) -> None:
    """Print as JSON."""
    print(json.dumps(answer, indent=2, ensure_ascii=False))
