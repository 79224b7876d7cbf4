"""`baywarden bus replay`: a recorded trace as a Modbus peer, for the daemon or a device command to run against."""

import asyncio
import json
import signal
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baywarden_config.errors import DONE, FAILED, ToolError
from baywarden_config.numbers import port
from baywarden_config.paths import check_readable
from baywarden_drivers.reasons import reason_of

if TYPE_CHECKING:
    from baywarden_drivers.bench.frames import Framing
    from baywarden_drivers.bench.replay import Recording, Tally
    from baywarden_drivers.bench.trace import Head


def add_parser(actions: Any) -> None:
    """Tell argparse about the action."""
    parser: ArgumentParser = actions.add_parser(
        "replay", help="answer as a recorded trace says, until Ctrl-C"
    )
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="what `bus trace` or `device ... --trace` wrote"
    )
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--tcp", type=port, metavar="PORT", help="Modbus TCP; 0 takes a free port")
    where.add_argument(
        "--rtu-over-tcp", type=port, metavar="PORT", help="RTU frames over TCP; 0 takes a free port"
    )
    where.add_argument(
        "--serial", type=Path, metavar="PATH", help="RTU on a pseudo-terminal that is made there"
    )
    parser.add_argument(
        "--bind", default="127.0.0.1", metavar="ADDRESS", help="listen there (default: %(default)s)"
    )
    parser.add_argument("--timed", action="store_true", help="take as long for every answer as it took then")
    parser.add_argument("--json", action="store_true", help="print the tally at the end as JSON")


def run(args: Namespace) -> int:
    """Serve until SIGTERM or Ctrl-C; 0 when every question was in the trace, else 1. Raises ToolError."""
    from baywarden_drivers.bench.replay import Recording
    from baywarden_drivers.bench.trace import read_trace

    check_readable(args.file)
    head, pieces = read_trace(args.file)
    recording = Recording(head.framing, pieces, lambda sentence: print(sentence, file=sys.stderr, flush=True))
    if not recording.units:
        raise ToolError(f"{args.file}: no question of a known kind is in it")
    try:
        tally = asyncio.run(_serve(args, head, recording))
    except OSError as error:
        where = args.rtu_over_tcp if args.tcp is None else args.tcp
        raise ToolError(f"cannot listen on {args.bind}:{where}: {reason_of(error)}") from error
    _print(tally, as_json=args.json)
    return FAILED if tally.unknown else DONE


async def _serve(args: Namespace, head: "Head", recording: "Recording") -> "Tally":
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    close, where = await _open(args, recording)
    units = ", ".join(map(str, recording.units))
    said = f"{head.link or args.file} of {head.started_at}: {where}, units {units}"
    print(json.dumps({"where": where, "units": recording.units}) if args.json else said, flush=True)
    await stop.wait()
    close()
    return recording.finish()


async def _open(args: Namespace, recording: "Recording") -> tuple[Any, str]:
    """How to close it, and where it is."""
    from baywarden_drivers.bench.replay import serve_pty, serve_tcp

    if args.serial is not None:
        transport = await serve_pty(recording, args.serial, timed=args.timed)
        return transport.close, str(args.serial)
    wanted = args.rtu_over_tcp if args.tcp is None else args.tcp
    framing: Framing = "rtu" if args.tcp is None else "tcp"
    server, port = await serve_tcp(recording, args.bind, wanted, framing, timed=args.timed)
    return server.close, f"{args.bind}:{port}"


def _print(tally: "Tally", *, as_json: bool) -> None:
    if as_json:
        print(
            json.dumps(
                {
                    "asked": tally.asked,
                    "answered": tally.answered,
                    "repeated": tally.repeated,
                    "parts": tally.parts,
                    "unknown": dict(tally.unknown),
                    "unasked": tally.unasked,
                }
            )
        )
        return
    print(
        f"{tally.asked} questions: {tally.answered} answered from the trace ({tally.repeated} with its last answer "
        f"again, {tally.parts} with a part of a longer one), {sum(tally.unknown.values())} not in it; "
        f"{tally.unasked} recorded questions were never asked."
    )
