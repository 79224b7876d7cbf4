"""Wiring, supervision and stop. Nothing imports this package but the command line's `run`."""

import argparse
import logging
import sys
from typing import Final

from baywarden.daemon.clock import SystemClock, scaled_clock
from baywarden.ports.clock import Clock
from baywarden.settings import ConfigError, Settings, load_settings

_FORMAT: Final = "%(levelname)s %(name)s: %(message)s"


def run_command(args: argparse.Namespace) -> int:
    """`baywarden run`: 0 after a clean stop, 1 when the daemon failed, 2 for a configuration it cannot use."""
    from baywarden_drivers import usable_names  # noqa: PLC0415 (only `run` reads the catalogue)

    _log_to_stderr(verbose=bool(getattr(args, "verbose", False)))
    try:
        # Without a file of [cloud] there is no cloud, and `status` says so; the chargers are still looked after.
        settings = load_settings(args.config, profiles=lambda folder: usable_names([folder]), files=False)
        clock = _clock(settings, getattr(args, "clock", None))
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except ValueError as error:
        sys.stderr.write(f"--clock: {error}\n")
        return 2
    return _serve(settings, clock)


def _serve(settings: Settings, clock: Clock) -> int:
    import asyncio  # noqa: PLC0415 (a file with faults costs no event loop)

    from baywarden.daemon.house import House  # noqa: PLC0415

    try:
        import uvloop  # noqa: PLC0415 (optional: halves the cost of the wires)
    except ImportError:
        return asyncio.run(House(settings, clock).run())
    return int(uvloop.run(House(settings, clock).run()))


def _clock(settings: Settings, spec: str | None) -> Clock:
    if spec is not None:
        return scaled_clock(spec)
    return SystemClock(always_trusted=settings.clock.trust == "always")


def _log_to_stderr(*, verbose: bool) -> None:
    logging.basicConfig(level=logging.DEBUG if verbose else logging.INFO, format=_FORMAT, stream=sys.stderr)
    for noisy in ("pymodbus", "paho", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
