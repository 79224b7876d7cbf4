"""Wiring, supervision and stop. Nothing imports this package but the command line's `run`."""

import gc
import logging
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final

from baywarden.daemon.clock import SystemClock, scaled_clock
from baywarden.ports.clock import Clock
from baywarden.settings import ConfigError, Settings, load_settings

_FORMAT: Final = "%(levelname)s %(name)s: %(message)s"


def run_command(config: str, *, verbose: bool = False, clock: str | None = None) -> int:
    """`baywarden run`: 0 after a clean stop, 1 when the daemon failed, 2 for a configuration it cannot use."""
    from baywarden_drivers import usable_names  # noqa: PLC0415 (only `run` reads the catalogue)

    _log_to_stderr(verbose=verbose)
    try:
        # Without a file of [cloud] there is no cloud, and `status` says so; the chargers are still looked after.
        settings = load_settings(config, profiles=lambda folder: usable_names([folder]), files=False)
        time = _clock(settings, clock)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except ValueError as error:
        sys.stderr.write(f"--clock: {error}\n")
        return 2
    return _serve(settings, time)


def _serve(settings: Settings, clock: Clock) -> int:
    import asyncio  # noqa: PLC0415 (a file with faults costs no event loop)

    from baywarden.daemon.house import House  # noqa: PLC0415 (nor the store, the broker's client and the wires)

    run: Callable[[Coroutine[Any, Any, int]], int] = asyncio.run
    with suppress(ImportError):
        from uvloop import run  # noqa: PLC0415 (optional: halves the cost of the wires)
    # All code and classes are there now and are never garbage: no collection has to look at them again.
    gc.freeze()
    gc.enable()
    return run(House(settings, clock).run())


def _clock(settings: Settings, spec: str | None) -> Clock:
    if spec is not None:
        return scaled_clock(spec)
    return SystemClock(always_trusted=settings.clock.trust == "always")


def _log_to_stderr(*, verbose: bool) -> None:
    logging.basicConfig(level=logging.DEBUG if verbose else logging.INFO, format=_FORMAT, stream=sys.stderr)
    for noisy in ("pymodbus", "paho", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
