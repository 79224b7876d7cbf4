"""`baywarden demo`: a simulated site over real Modbus and MQTT, told as it happens, then the verdict."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import Any, Final

_DONE: Final = 0
_FAILED: Final = 1
_SLOWEST: Final = 1.0
_FASTEST: Final = 60.0
"""Faster, and the wires could not be read often enough to see what happens."""


def add_parser(subparsers: Any) -> None:
    """Tell argparse about the command."""
    parser: ArgumentParser = subparsers.add_parser("demo", help="a simulated site over real Modbus and MQTT")
    parser.add_argument(
        "--for", dest="for_s", type=_seconds, metavar="SECONDS", help="default: one story long"
    )
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the verdict as JSON")
    parser.add_argument(
        "--rate", type=_rate, default=30.0, help="how fast the site's time runs (%(default)g)"
    )
    parser.add_argument(
        "--broker", choices=("mosquitto", "iotcore"), help="default: mosquitto where installed"
    )
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep logs, databases and site.toml here")
    parser.add_argument(
        "--port-base", type=_port, metavar="PORT", help="six TCP ports from here on; default: free ones"
    )


def run(args: Namespace) -> int:
    """Play, compare, tell. 0 when the cloud holds exactly what the site holds, else 1."""
    from baywarden_config.demo.broker import BrokerKind
    from baywarden_config.demo.conductor import perform

    good = perform(
        rate=args.rate,
        for_s=args.for_s,
        keep=args.keep,
        port_base=args.port_base,
        report=args.report,
        broker=BrokerKind(args.broker) if args.broker else None,
    )
    return _DONE if good else _FAILED


def _seconds(text: str) -> float:
    seconds = _number(text)
    if not 1 <= seconds <= 86_400:
        raise ArgumentTypeError("from 1 to 86400 seconds")
    return seconds


def _rate(text: str) -> float:
    rate = _number(text)
    if not _SLOWEST <= rate <= _FASTEST:
        raise ArgumentTypeError(f"from {_SLOWEST:g} to {_FASTEST:g}")
    return rate


def _port(text: str) -> int:
    if not text.isdigit() or not 1024 <= int(text) <= 65_530:
        raise ArgumentTypeError("from 1024 to 65530")
    return int(text)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no number") from None
