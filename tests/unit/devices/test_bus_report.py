"""The figures of the wires as `status` gives them."""

import json
from dataclasses import dataclass

import pytest

from baywarden.devices.bus import bus_report
from baywarden_drivers import Device, Link, NoAnswer, Refused, TcpLink, load_profile
from baywarden_drivers.links import Pacing
from support.modbus_peer import Registers, tcp_server

SILENT = 2


@dataclass(frozen=True)
class Fitted:
    """A meter on a link."""

    names: frozenset[str]
    device: Device
    link_id: str
    link: Link


async def test_every_unit_shows_its_devices_and_what_became_of_its_requests() -> None:
    registers = Registers(1)
    registers.set(1, "input", 0, *range(100))
    async with tcp_server(registers) as port:
        link = TcpLink("127.0.0.1", port)
        profile = load_profile("eastron-sdm630")
        meters = [
            Fitted(frozenset({f"m{unit}"}), Device(profile, link=link, unit=unit), "hall", link)
            for unit in (1, SILENT)
        ]
        link.pace(1, Pacing(response_timeout_s=10))
        for _ in range(3):
            await link.read(1, "input", 0, 2)
        with pytest.raises(Refused):
            await link.read(1, "input", 5000, 2)
        with pytest.raises(NoAnswer):
            await link.read(SILENT, "input", 0, 2)
        report = bus_report(meters)
        await link.close()

    assert json.loads(json.dumps(report, allow_nan=False)) == report
    (wire,) = report
    heard, silent = wire["units"]
    assert (wire["link_id"], wire["where"], wire["open"]) == ("hall", f"127.0.0.1:{port}", True)
    assert wire["requests"] == 5 and wire["connections"] == 1
    assert (heard["devices"], silent["devices"]) == (["m1"], ["m2"])
    assert (heard["requests"], heard["answers"], heard["exceptions"], heard["time_outs"]) == (4, 4, 1, 0)
    assert sum(heard["round_trip_ms"]["answers"]) == 4
    assert len(heard["round_trip_ms"]["answers"]) == len(heard["round_trip_ms"]["up_to"])
    assert (silent["answers"], silent["time_outs"], silent["silences_in_row"]) == (0, 1, 1)
    assert silent["round_trip_ms"]["last"] is None and silent["round_trip_ms"]["p99_under"] is None
    assert 0 < heard["utilisation"] <= 1


def test_a_site_without_devices_has_no_wires() -> None:
    assert bus_report(()) == []
