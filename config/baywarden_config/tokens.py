"""`baywarden tokens`: what the site's list holds, and single changes of it; whole lists come from the cloud."""

import sys
from argparse import ArgumentParser, Namespace
from typing import Any

from baywarden.model.token import TokenType, Whitelist
from baywarden_config.asking import PAGE, ask, show, talking
from baywarden_config.errors import DONE
from baywarden_config.layout import said, table


def add_parser(subparsers: Any) -> None:
    """Tell argparse about the command."""
    parser: ArgumentParser = subparsers.add_parser("tokens", help="list, add and remove tokens of drivers")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions", required=True)
    actions.add_parser("list", help="the tokens by their last four characters", parents=[talking()])
    put = actions.add_parser("put", help="add a token, or change it", parents=[talking()])
    put.add_argument("uid", metavar="UID", help='the token; "-" reads it from standard input')
    put.add_argument("--group", metavar="ID", help="group that it belongs to")
    put.add_argument(
        "--type", choices=[one.value for one in TokenType], metavar="WORD", help="OCPI TokenType"
    )
    put.add_argument(
        "--whitelist", choices=[one.value for one in Whitelist], metavar="WORD", help="OCPI WhitelistType"
    )
    put.add_argument("--blocked", action="store_true", help="it is known and gives no right")
    remove = actions.add_parser("remove", help="take a token from the list", parents=[talking()])
    remove.add_argument("uid", metavar="UID", help='the token; "-" reads it from standard input')


def run(args: Namespace) -> int:
    """Perform the chosen action."""
    return {"list": _list, "put": _put, "remove": _remove}[args.action](args)


def _list(args: Namespace) -> int:
    data = dict(ask(args, "tokens.list", {"limit": PAGE})["data"])
    while data["next"] is not None:
        page = ask(args, "tokens.list", {"limit": PAGE, "from": data["next"]})["data"]
        data["items"] += page["items"]
        data["next"] = page["next"]
    if args.json:
        show(data)
        return DONE
    print(f"Revision {data['revision']}, {data['count']} tokens.")
    columns = ("token_end", "type", "group_id", "valid", "whitelist")
    rows = [[said(item.get(column)) for column in columns] for item in data["items"]]
    for line in table(["TOKEN", "TYPE", "GROUP", "VALID", "WHITELIST"], rows) if rows else ():
        print(line)
    return DONE


def _put(args: Namespace) -> int:
    given = {"group_id": args.group, "type": args.type, "whitelist": args.whitelist}
    token = {key: value for key, value in given.items() if value is not None}
    return _told(args, "token.put", {"tokens": [{"uid": _uid(args), "valid": not args.blocked, **token}]})


def _remove(args: Namespace) -> int:
    return _told(args, "token.remove", {"uids": [_uid(args)]})


def _told(args: Namespace, name: str, params: dict[str, Any]) -> int:
    reply = ask(args, name, params)
    if args.json:
        show(reply)
    else:
        print(f"The list has {reply['data']['count']} tokens.")
    return DONE


def _uid(args: Namespace) -> str:
    """What was said, or a line of standard input: a word in a command line is seen by others."""
    return sys.stdin.readline().strip() if args.uid == "-" else str(args.uid)
