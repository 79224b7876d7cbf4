"""`baywarden sessions`: list sessions, let a car charge, and stop the power of one."""

import sys
from argparse import ArgumentParser, Namespace
from typing import Any

from baywarden.model.session import SessionStatus, StopReason
from baywarden_config.asking import ask, listing, show, talking
from baywarden_config.errors import DONE
from baywarden_config.layout import said, token
from baywarden_config.lists import identity, print_list
from baywarden_config.times import shown


def add_parser(subparsers: Any) -> None:
    """Tell argparse about the command."""
    parser: ArgumentParser = subparsers.add_parser("sessions", help="list, authorize and stop sessions")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions", required=True)
    actions.add_parser("list", help="newest first", parents=[listing(SessionStatus), talking()])
    stop = actions.add_parser("stop", help="no more power until the car leaves", parents=[talking()])
    stop.add_argument("session_id", metavar="ID")
    stop.add_argument(
        "--reason",
        choices=[reason.value for reason in StopReason],
        metavar="WORD",
        help="why, in OCPP 2.0.1's words",
    )
    allow = actions.add_parser(
        "authorize", help="let the car charge that is there or comes soon", parents=[talking()]
    )
    allow.add_argument("evse_id", metavar="EVSE")
    by = allow.add_mutually_exclusive_group(required=True)
    by.add_argument("--token", help='token of the driver; "-" reads it from standard input')
    by.add_argument("--code", help='code of a booking; "-" reads it from standard input')


def run(args: Namespace) -> int:
    """Perform the chosen action."""
    return {"list": _list, "stop": _stop, "authorize": _authorize}[args.action](args)


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
    reply = ask(args, "session.stop", {"session_id": args.session_id, "reason": args.reason})
    if args.json:
        show(reply)
    else:
        print(f"Session {args.session_id} gets no more power.")
    return DONE


def _authorize(args: Namespace) -> int:
    params = {"evse_id": args.evse_id, "token": _read(args.token), "code": _read(args.code)}
    reply = ask(args, "session.authorize", params)
    if args.json:
        show(reply)
        return DONE
    data = reply["data"]
    if data.get("session_id"):
        print(f"The car at {args.evse_id} may charge.")
    else:
        until = shown(data.get("plug_in_until_at"), args.local)
        print(f"A car that is plugged in at {args.evse_id} until {until} may charge.")
    if data.get("stay_until_at"):
        print(f"It may stay until {shown(data['stay_until_at'], args.local)}.")
    return DONE


def _read(word: str | None) -> str | None:
    """What was said, or a line of standard input: a secret word in a command line is seen by others."""
    return sys.stdin.readline().strip() if word == "-" else word
