"""`baywarden bus trace`: what goes over the links of the running daemon, decoded, live or into a file."""

import json
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

from baywarden.control.client import ControlClient, DaemonUnreachable
from baywarden_config.asking import talking
from baywarden_config.errors import DONE, NotReachable, Refused
from baywarden_config.numbers import span
from baywarden_config.paths import check_new, opened_new

if TYPE_CHECKING:
    from baywarden_drivers.bench.trace import Piece

WAIT_MS: Final = 1000
"""The daemon answers at once when there is something, else after this long."""


def add_parser(actions: Any) -> None:
    """Tell argparse about the action."""
    parser: ArgumentParser = actions.add_parser(
        "trace", help="show or record what goes over a link of the running daemon", parents=[talking()]
    )
    parser.add_argument("link", metavar="LINK", help="id of the link in site.toml")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the trace there, for `bus replay`")
    parser.add_argument("--for", dest="for_s", type=span, metavar="60s", help="end after this time")
    parser.add_argument("--force", action="store_true", help="overwrite the file")


def run(args: Namespace) -> int:
    """Show until Ctrl-C or the end of the time. Raises ToolError."""
    if args.out is not None:
        check_new(args.out, force=args.force)
    until = None if args.for_s is None else time.monotonic() + args.for_s
    with ExitStack() as stack:
        client = stack.enter_context(ControlClient(args.socket))
        first = _ask(client, args.link, None)
        out = None if args.out is None else stack.enter_context(opened_new(args.out, force=args.force))
        watched = _Watched(first, args.link, out, as_json=args.json)
        try:
            reply = first
            while until is None or time.monotonic() < until:
                reply = _ask(client, args.link, reply["next"])
                watched.take(reply)
        except KeyboardInterrupt:
            pass
        if out is not None and not args.json:
            print(f"{watched.count} pieces are in {args.out}.")
    return DONE


def _ask(client: ControlClient, link: str, after: int | None) -> Mapping[str, Any]:
    params = {"link": link, "wait_ms": WAIT_MS, **({} if after is None else {"after": after})}
    try:
        reply = client.call("link.trace", params)
    except DaemonUnreachable as error:
        raise NotReachable(str(error)) from error
    if reply.get("result") != "ACCEPTED":
        raise Refused(reply)
    data: Mapping[str, Any] = reply["data"]
    return data


class _Watched:
    """Prints or writes what comes, each piece with what it says."""

    def __init__(self, first: Mapping[str, Any], link: str, out: TextIO | None, *, as_json: bool) -> None:
        from baywarden_drivers.bench.trace import Head, Reader

        head = Head(link, first["where"], first["framing"], first["started_at"], first["devices"])
        self._out, self._as_json = out, as_json
        self._reader: Reader = Reader(head.framing, _names(first))
        self.count = 0
        if out is not None:
            print(head.line(), file=out, flush=True)
        if as_json:
            print(head.line(), flush=True)
        elif out is None:
            print(f"{link} at {head.where}; Ctrl-C ends it.", flush=True)

    def take(self, reply: Mapping[str, Any]) -> None:
        """The next pieces."""
        if reply["lost"]:
            is_live = self._out is None and not self._as_json
            told_to = sys.stdout if is_live else sys.stderr
            print(
                f"({reply['lost']} pieces were lost: they came faster than they were fetched)",
                file=told_to,
                flush=True,
            )
        for piece in _pieces(reply):
            row = self._reader.line(piece)
            self.count += 1
            if self._out is not None:
                print(json.dumps(row, ensure_ascii=False), file=self._out, flush=True)
            if self._as_json:
                print(json.dumps(row, ensure_ascii=False), flush=True)
            elif self._out is None:
                print(told(row), flush=True)


def told(row: Mapping[str, Any]) -> str:
    """A line of a trace for people."""
    arrow = "->" if row["direction"] == "sent" else "<-"
    values = row.get("values")
    named = ", ".join(f"{name} = {value}" for name, value in values.items()) if values else row["what"]
    points = row.get("points")
    what = f"{named} ({', '.join(points)})" if points else named
    return f"{row['at_ms'] / 1000:10.3f} {arrow} {what}  [{row['hex']}]"


def _pieces(reply: Mapping[str, Any]) -> "Iterator[Piece]":
    from baywarden_drivers.bench.trace import Piece

    for one in reply["pieces"]:
        yield Piece(float(one["at_ms"]), one["direction"], bytes.fromhex(one["hex"]))


def _names(first: Mapping[str, Any]) -> Any:
    """The points of the devices on the link; a profile that cannot be read here only takes away names, and says so."""
    from baywarden_drivers.bench.names import Names, Tenant
    from baywarden_drivers.errors import DriverError
    from baywarden_drivers.profile import load_profile

    tenants = []
    for one in first["devices"]:
        try:
            profile = load_profile(str(one["profile"]), [first["profile_folder"]])
        except DriverError as error:
            why = " ".join(str(error).split())
            print(f"baywarden: unit {one['unit']} goes without names of points: {why}", file=sys.stderr)
            continue
        tenants.append(Tenant(profile, int(one["unit"]), int(one["connector"])))
    return Names(tenants)
