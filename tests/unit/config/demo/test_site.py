"""The demo's site is one that the daemon accepts, and the simulated field is the same site."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from baywarden.settings import Settings, load_settings, warnings_of
from baywarden_config.demo.site import LABELS, DemoSite, Ports
from baywarden_drivers.profile import load_profile
from baywarden_drivers.simulator import load_site


def written(folder: Path, rate: float) -> DemoSite:
    site = DemoSite(folder, Ports.from_base(21_000), rate)
    site.write()
    return site


@pytest.fixture
def site(tmp_path: Path) -> DemoSite:
    return written(tmp_path, 30.0)


@pytest.fixture
def settings(site: DemoSite) -> Settings:
    return load_settings(site.config)


@pytest.mark.parametrize("rate", [1.0, 30.0, 60.0])
def test_the_daemon_takes_the_site_without_a_fault_or_a_warning_at_every_rate(
    tmp_path: Path, rate: float
) -> None:
    assert warnings_of(load_settings(written(tmp_path, rate).config)) == ()


def test_it_has_at_least_six_bays_on_three_models_and_two_meters_on_both_kinds_of_wire(
    settings: Settings,
) -> None:
    assert len(settings.rules().evses) >= 6
    assert len({charger.profile for charger in settings.chargers}) >= 3
    assert len(settings.meters) == 2
    assert {link.type for link in settings.links} == {"tcp", "rtu"}


def test_what_the_daemon_expects_is_what_is_simulated(site: DemoSite, settings: Settings) -> None:
    field = load_site(site.field)
    assert {one.id: one.profile for one in settings.chargers} == {
        one.name: one.profile for one in field.charger
    }
    assert {one.id: one.profile for one in settings.meters} == {one.name: one.profile for one in field.meter}
    assert sorted(field.outlet_names) == sorted(settings.rules().evses) == sorted(LABELS)


def test_daemon_and_simulator_meet_at_the_same_ports(site: DemoSite, settings: Settings) -> None:
    raw: dict[str, Any] = tomllib.loads(site.field.read_text())
    served = {one["name"]: one.get("tcp", one.get("serial")) for one in raw["listener"]}
    assert {link.id: getattr(link, "port", getattr(link, "path", None)) for link in settings.links} == served


def test_the_units_on_the_serial_line_are_the_same_on_both_sides(site: DemoSite, settings: Settings) -> None:
    field = load_site(site.field)
    ours = {one.id: one.unit for one in settings.chargers if one.link == "rs485"}
    ours |= {one.id: one.unit for one in settings.meters if one.link == "rs485"}
    assert ours == {one.name: one.unit for one in (*field.charger, *field.meter) if one.listener == "rs485"}


def test_the_fail_safe_currents_of_all_bays_fit_under_every_fuse(settings: Settings) -> None:
    rules = settings.rules()
    for circuit in rules.circuits.values():
        fed = [
            evse for evse in rules.evses.values() if circuit.parent is None or evse.circuit_id == circuit.id
        ]
        assert sum(evse.failsafe_ma for evse in fed) <= circuit.limit_ma


def test_every_profile_is_in_the_catalogue(settings: Settings) -> None:
    names = {one.profile for one in settings.chargers} | {one.profile for one in settings.meters}
    assert all(load_profile(name).summary for name in names)


def test_free_ports_are_six_in_a_row() -> None:
    ports = Ports.free()
    assert ports == Ports.from_base(ports.charx)
    assert ports.em24 - ports.bender == 2, "the Bender controller needs a port for each connector"
