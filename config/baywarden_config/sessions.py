"""`baywarden sessions`: list sessions, and stop the power of one."""

from argparse import ArgumentParser, Namespace
from typing import Any

from baywarden.model.session import SessionStatus
from baywarden_config.asking import ask, listing, show, talking
from baywarden_config.errors import DONE
from baywarden_config.layout import said, token
from baywarden_config.lists import identity, print_list
from baywarden_config.times import shown


def add_parser(subparsers: Any) -> None:
    """Tell argparse about the command."""
    parser: ArgumentParser = subparsers.add_parser("sessions", help="list and stop sessions")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions", required=True)
    actions.add_parser("list", help="newest first", parents=[listing(SessionStatus), talking()])
    stop = actions.add_parser("stop", help="no more power until the car leaves", parents=[talking()])
    stop.add_argument("session_id", metavar="ID")


def run(args: Namespace) -> int:
    """Perform the chosen action."""
    return _stop(args) if args.action == "stop" else _list(args)


def _list(args: Namespace) -> int:
    columns = {
        "SESSION": lambda item: identity(item, "session_id", "id"),
        "OUTLET": lambda item: said(item.get("evse_id")),
        "STATUS": lambda item: said(item.get("status")),
        "STARTED": lambda item: shown(item.get("started_at"), args.local),
        "ENDED": lambda item: shown(item.get("ended_at"), args.local),
        "ENERGY WH": lambda item: said(item.get("energy_wh")),
        "TOKEN": lambda item: token(item.get("token")),
        "BOOKING": lambda item: said(item.get("booking_id")),
        "STOPPED BY": lambda item: said(item.get("stop_reason")),
    }
    return print_list(args, "sessions.list", columns, "There are no such sessions.")


def _stop(args: Namespace) -> int:
    reply = ask(args, "session.stop", {"session_id": args.session_id})
    if args.json:
        show(reply)
    else:
        print(f"Session {args.session_id} gets no more power.")
    return DONE
