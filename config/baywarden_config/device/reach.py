"""Which device a command is about: one on a link of the command line, or one of the running daemon."""

from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from baywarden_config.asking import talking
from baywarden_config.catalogue import add_folders, one_profile
from baywarden_config.errors import WrongUse
from baywarden_config.numbers import unit, whole
from baywarden_config.paths import check_new, opened_new
from baywarden_config.places import host_port, serial_setting

if TYPE_CHECKING:
    from baywarden_drivers import Device, Endpoint, LinkPool
    from baywarden_drivers.bench.frames import Framing
    from baywarden_drivers.bench.line import Setting
    from baywarden_drivers.profile import Profile


def reaching() -> ArgumentParser:
    """The options of every command that is about one device."""
    parent = ArgumentParser(add_help=False, parents=[talking()])
    wire = parent.add_mutually_exclusive_group()
    wire.add_argument("--tcp", metavar="HOST[:PORT]", help="Modbus TCP")
    wire.add_argument("--rtu-over-tcp", metavar="HOST:PORT", help="RTU frames through a serial server")
    wire.add_argument("--serial", metavar="PATH", help="RTU on a serial port")
    for name, what in (("evse", "outlet"), ("charger", "charger with one outlet"), ("meter", "meter")):
        wire.add_argument(f"--{name}", metavar="ID", help=f"this {what} of the running daemon")
    parent.add_argument(
        "--setting",
        metavar="9600/8N1",
        help="speed and parity of the port (default: the device's factory setting)",
    )
    parent.add_argument("--baud", type=whole(300, 1_000_000), metavar="BPS", help="only the speed")
    parent.add_argument("--parity", choices=("N", "E", "O"), help="only the parity")
    parent.add_argument("--unit", type=unit, metavar="N", help="unit number (default: the factory's)")
    parent.add_argument(
        "--connector", type=whole(1, 64), default=1, metavar="N", help="connector of a charger (default: 1)"
    )
    parent.add_argument("--profile", metavar="NAME", help="profile of the device, or a path ending in .toml")
    parent.add_argument("--trace", type=Path, metavar="FILE", help="write what goes over the wire there")
    parent.add_argument("--force", action="store_true", help="overwrite the file of --trace")
    add_folders(parent)
    return parent


def daemon_id(args: Namespace) -> str | None:
    """The id of a device of the daemon; None for one on a link. Raises WrongUse for neither, or for a mixture.

    Raises ToolError for a file of --trace that is there already.
    """
    chosen: str | None = args.evse or args.charger or args.meter
    given = {
        "--profile": args.profile,
        "--unit": args.unit,
        "--trace": args.trace,
        "--setting": args.setting,
        "--baud": args.baud,
        "--parity": args.parity,
    }
    if chosen is not None:
        for option, value in given.items():
            if value is not None:
                raise WrongUse(f"{option} is for a device on a link; the daemon knows its devices itself")
        return chosen
    if not (args.tcp or args.rtu_over_tcp or args.serial):
        raise WrongUse(
            "say which device: --tcp HOST, --serial PATH or --rtu-over-tcp HOST:PORT with --profile, "
            "or --evse, --charger or --meter ID of the running daemon"
        )
    if args.unit == 0 and not args.tcp:
        raise WrongUse("--unit 0: on a serial line 0 is all devices at once; say 1 to 255")
    if args.trace is not None:
        check_new(args.trace, force=args.force)
    return None


def profile_of(args: Namespace) -> "Profile":
    """The profile that was named. Raises WrongUse."""
    if args.profile is None:
        raise WrongUse("say what it is: --profile NAME (`baywarden device identify` finds it out)")
    return one_profile(args.profile, args.profiles)


def endpoint_of(args: Namespace, profile: "Profile | None") -> "Endpoint":
    """The wire that was named; what is not said is as the factory sets it. Raises WrongUse."""
    from baywarden_drivers.links import RtuOverTcpEndpoint, SerialEndpoint, TcpEndpoint

    if args.serial is not None:
        setting = setting_of(args, profile)
        return SerialEndpoint(args.serial, setting.baud, setting.parity, setting.stop_bits)
    if args.setting or args.baud or args.parity:
        raise WrongUse("--setting, --baud and --parity are for --serial")
    if args.rtu_over_tcp is not None:
        return RtuOverTcpEndpoint(*host_port(args.rtu_over_tcp))
    usual = profile.transport.tcp.port if profile is not None and profile.transport.tcp is not None else 502
    return TcpEndpoint(*host_port(args.tcp, usual))


def setting_of(args: Namespace, profile: "Profile | None") -> "Setting":
    """Speed and parity of the serial port. Raises WrongUse."""
    from baywarden_drivers.bench.line import Setting

    rtu = profile.transport.rtu if profile is not None else None
    setting = Setting() if rtu is None else Setting(rtu.baud, rtu.parity, rtu.stop_bits)
    if args.setting is not None:
        setting = serial_setting(args.setting)
    return Setting(args.baud or setting.baud, args.parity or setting.parity, setting.stop_bits)


def check_place(args: Namespace, profile: "Profile") -> None:
    """Raises WrongUse for a connector that it does not have."""
    if not 1 <= args.connector <= profile.connectors.count:
        raise WrongUse(f"--connector {args.connector}: {profile.name} has 1 to {profile.connectors.count}")


@asynccontextmanager
async def opened(args: Namespace, *, reads_only: bool = True) -> "AsyncIterator[Device]":
    """The device on its link, for as long as it is needed.

    A command that only reads must not write either what the profile wants written at start-up.
    """
    from baywarden_drivers import LinkPool, open_device
    from baywarden_drivers.bench.serial_line import SerialLine
    from baywarden_drivers.profile import Startup

    profile = profile_of(args)
    check_place(args, profile)
    endpoint = endpoint_of(args, profile)
    if args.serial is not None:
        SerialLine.check(args.serial)  # it knows better words than the link for a port that is not to be had
    used = profile.changed(startup=Startup()) if reads_only else profile
    async with LinkPool() as pool:
        device = open_device(
            pool, endpoint, used, unit=args.unit, connector=args.connector, name=profile.name
        )
        with _traced(args, pool, profile):
            yield device


@contextmanager
def _traced(args: Namespace, pool: "LinkPool", profile: "Profile") -> Iterator[None]:
    """Write what goes over the wire of the pool into the file of --trace."""
    if args.trace is None:
        yield
        return
    from baywarden_drivers.bench.names import Tenant
    from baywarden_drivers.bench.recorder import Recorder

    file: TextIO = opened_new(args.trace, force=args.force)
    unit = profile.default_unit if args.unit is None else args.unit
    with file:
        for link in pool.links():
            framing: Framing = "rtu" if args.tcp is None else "tcp"
            link.trace(Recorder(link.name, framing, [Tenant(profile, unit, args.connector)], file).take)
        try:
            yield
        finally:
            for link in pool.links():
                link.trace(None)
