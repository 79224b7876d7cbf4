"""`baywarden bookings`: list, make, cancel and find bookings."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from typing import Any
from uuid import uuid4

from baywarden.model.booking import BookingStatus, CanceledReason
from baywarden_config.asking import ask, listing, show, talking
from baywarden_config.errors import DONE, ToolError
from baywarden_config.layout import said, table, token
from baywarden_config.lists import identity, print_list
from baywarden_config.numbers import whole
from baywarden_config.times import WAYS, moment, rfc3339, shown, span_s


def add_parser(subparsers: Any) -> None:
    """Tell argparse about the command."""
    parser: ArgumentParser = subparsers.add_parser("bookings", help="list, make, cancel and find bookings")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions", required=True)
    actions.add_parser("list", help="newest first", parents=[listing(BookingStatus), talking()])
    _add_put(
        actions.add_parser("put", help="make a booking, or change the one with this id", parents=[talking()])
    )
    _add_cancel(actions.add_parser("cancel", help="cancel a booking", parents=[talking()]))
    _add_find(actions.add_parser("find", help="free times", parents=[talking()]))


def run(args: Namespace) -> int:
    """Perform the chosen action."""
    action = {"list": _list, "put": _put, "cancel": _cancel, "find": _find}[args.action]
    return action(args)


def _add_put(parser: ArgumentParser) -> None:
    parser.epilog = f"TIME: {WAYS}."
    parser.add_argument("--id", help="id of the booking; without it a new one is made")
    parser.add_argument("--token", required=True, help="token of the driver")
    parser.add_argument("--code", help="four to eight digits that the driver may type on site")
    parser.add_argument("--start", required=True, metavar="TIME", help="begin")
    end = parser.add_mutually_exclusive_group(required=True)
    end.add_argument("--end", metavar="TIME", help="end")
    end.add_argument("--for", dest="duration", metavar="SPAN", help="length, like 90m")
    parser.add_argument("--evse", metavar="ID", help="outlet; without it any that fits")
    parser.add_argument("--power-w", type=whole(0, 1_000_000), metavar="W", help="power to keep free for it")
    _add_kind(parser)
    parser.add_argument(
        "--expected-rev", type=whole(0, 2**53), metavar="N", help="change it only at this revision"
    )


def _add_cancel(parser: ArgumentParser) -> None:
    parser.add_argument("booking_id", metavar="ID")
    parser.add_argument(
        "--reason", choices=[reason.value for reason in CanceledReason], metavar="WORD", help="an OCPI reason"
    )
    parser.add_argument(
        "--expected-rev", type=whole(0, 2**53), metavar="N", help="cancel it only at this revision"
    )


def _add_find(parser: ArgumentParser) -> None:
    parser.epilog = f"TIME: {WAYS}."
    parser.add_argument(
        "--from", dest="since", default="now", metavar="TIME", help="earliest begin (default: now)"
    )
    parser.add_argument(
        "--to",
        dest="until",
        default="+1d",
        metavar="TIME",
        help="latest end; +1d, the default, is a day after --from",
    )
    parser.add_argument("--for", dest="duration", required=True, metavar="SPAN", help="length, like 90m")
    parser.add_argument("--power-w", type=whole(0, 1_000_000), metavar="W", help="power that must be free")
    parser.add_argument("--evse", metavar="ID", help="only this outlet")
    _add_kind(parser)
    parser.add_argument("--limit", type=whole(1, 1000), metavar="N", help="at most so many")


def _add_kind(parser: ArgumentParser) -> None:
    parser.add_argument("--group", metavar="ID", help="only outlets of this group")
    parser.add_argument("--connector-type", metavar="NAME", help="only outlets with this OCPI connector type")
    parser.add_argument(
        "--energy-wh",
        type=whole(0, 1_000_000_000),
        metavar="WH",
        help="energy that must be had within the time",
    )


def _kind(args: Namespace) -> Mapping[str, Any]:
    return {"group": args.group, "connector_type": args.connector_type, "energy_wh": args.energy_wh}


def _list(args: Namespace) -> int:
    columns = {
        "BOOKING": lambda item: identity(item, "booking_id", "id"),
        "OUTLET": lambda item: said(item.get("evse_id")),
        "STATUS": _status,
        "START": lambda item: shown(item.get("start_at"), args.local),
        "END": lambda item: shown(item.get("end_at"), args.local),
        "TOKEN": lambda item: token(item.get("token")),
        "POWER W": lambda item: said(item.get("power_w")),
        "REV": lambda item: said(item.get("rev")),
        "REASON": lambda item: said(item.get("reason") or item.get("canceled_reason")),
    }
    return print_list(args, "bookings.list", columns, "There are no such bookings.")


def _status(item: Mapping[str, Any]) -> str:
    """OCPI's status, with what the booking does on site."""
    return "/".join(str(word) for word in (item.get("status"), item.get("phase")) if word) or "-"


def _put(args: Namespace) -> int:
    now = _clock_of_the_site(args)
    start_at = moment(args.start, now)
    end_at = moment(args.end, now) if args.end else start_at + timedelta(seconds=span_s(args.duration))
    booking_id = args.id or uuid4().hex
    params = {
        "booking_id": booking_id,
        "start_at": rfc3339(start_at),
        "end_at": rfc3339(end_at),
        "token": args.token,
        "code": args.code,
        "evse_id": args.evse,
        "power_w": args.power_w,
        "expected_rev": args.expected_rev,
        **_kind(args),
    }
    reply = ask(args, "booking.put", params)
    if args.json:
        show(reply)
        return DONE
    outlet = reply["data"].get("evse_id", args.evse)
    span = f"{shown(params['start_at'], args.local)} to {shown(params['end_at'], args.local)}"
    print(f"Booking {booking_id} is kept, revision {said(reply.get('rev'))}.")
    print(f"Outlet {said(outlet)}, {span}.")
    return DONE


def _clock_of_the_site(args: Namespace) -> Callable[[], datetime]:
    """The site's calendar decides, so its clock and zone say what "now" is; asked once, and only if it matters."""

    @cache
    def now() -> datetime:
        site = ask(args, "status")["data"]
        at = datetime.fromisoformat(site["clock"]["at"])
        return at.astimezone(_zone(site.get("time_zone"))).replace(microsecond=0)

    return now


def _zone(name: Any) -> tzinfo:
    """The zone of the site; plain UTC where the daemon does not tell it. Raises ToolError for one unknown here."""
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name) if name else UTC
    except (KeyError, ValueError, OSError) as error:
        raise ToolError(
            f"this machine does not know the site's time zone {name}: say the time with its offset"
        ) from error


def _cancel(args: Namespace) -> int:
    params = {"booking_id": args.booking_id, "reason": args.reason, "expected_rev": args.expected_rev}
    reply = ask(args, "booking.cancel", params)
    if args.json:
        show(reply)
    else:
        print(f"Booking {args.booking_id} is cancelled.")
    return DONE


def _find(args: Namespace) -> int:
    now = _clock_of_the_site(args)
    from_at = moment(args.since, now)
    params = {
        "from_at": rfc3339(from_at),
        "to_at": rfc3339(moment(args.until, (lambda: from_at) if args.until.startswith("+") else now)),
        "duration_s": span_s(args.duration),
        "power_w": args.power_w,
        "evse_id": args.evse,
        "limit": args.limit,
        **_kind(args),
    }
    data = ask(args, "booking.find", params)["data"]
    if args.json:
        show(data)
        return DONE
    rows = [
        [
            said(slot.get("evse_id")),
            shown(slot.get("start_at"), args.local),
            shown(slot.get("end_at"), args.local),
            said(slot.get("power_w")),
        ]
        for slot in data.get("slots", ())
    ]
    for line in table(["OUTLET", "FROM", "TO", "POWER W"], rows) if rows else ["Nothing is free then."]:
        print(line)
    if data.get("next_at") is not None:
        print(f"The next one begins at {shown(data['next_at'], args.local)}.")
    return DONE
