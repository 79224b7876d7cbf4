"""site.toml as the rules see it: exact, in mA, Wh and ms."""

from dataclasses import fields
from datetime import time
from decimal import Decimal

import pytest

from baywarden.control.wire import DEFAULT_PATH
from baywarden.model.booking import BookingTerms
from baywarden.model.local_hours import LocalWindow, Weekday
from baywarden.model.overstay import Basis, OccupancyBand, OverstayPolicy
from baywarden.model.site import Circuit
from baywarden.settings import parse_settings
from baywarden.settings.agreements import OverstaySettings, TermsSettings
from support.site_toml import SOUND, changed


def test_the_time_out_of_the_fail_safe_is_that_of_the_charger() -> None:
    rules = parse_settings(
        changed("failsafe_current_a = 6", "failsafe_current_a = 6\nfailsafe_timeout_s = 45")
    ).rules()
    assert rules.evses["bay-1"].failsafe_timeout_ms == 45_000


def test_currents_become_whole_milliamperes() -> None:
    rules = parse_settings(SOUND).rules()
    bay = rules.evses["bay-1"]
    assert (bay.max_current_ma, bay.min_current_ma, bay.failsafe_ma) == (13_800, 6_000, 6_000)
    assert rules.circuits["main"] == Circuit("main", 63_000, None, "grid", base_load_ma=12_500)
    assert rules.circuits["carpark"] == Circuit("carpark", 32_000, "main")


@pytest.mark.parametrize("amps", ["6.001", "13.8", "16", "31.999", "79.7"])
def test_every_current_of_three_decimals_is_kept_exactly(amps: str) -> None:
    rules = parse_settings(changed("13.8", amps)).rules()
    assert rules.evses["bay-1"].max_current_ma == int(Decimal(amps) * 1000)


def test_phases_become_numbers_in_the_order_of_the_outlet() -> None:
    rules = parse_settings(SOUND).rules()
    assert rules.evses["bay-1"].phases == (2, 3, 1)
    assert rules.evses["bay-2"].phases == (1, 2, 3)


def test_the_site_gives_its_zone_currency_and_staleness() -> None:
    rules = parse_settings(changed('"EUR"', '"JPY"\nstale_after_s = 12.5')).rules()
    assert (rules.site_id, rules.tz, rules.currency) == ("harbour-7", "Europe/Berlin", "JPY")
    assert (rules.stale_after_ms, rules.meter_stale_after_ms) == (12_500, 12_500)
    assert rules.minor_digits == 0


def test_minor_digits_may_be_said_otherwise() -> None:
    assert parse_settings(changed('"EUR"', '"EUR"\nminor_digits = 3')).rules().minor_digits == 3


def test_terms_are_those_of_their_table_else_the_defaults() -> None:
    rules = parse_settings(SOUND).rules()
    assert rules.evses["bay-1"].terms == BookingTerms()
    assert rules.evses["bay-2"].terms == BookingTerms(noshow_timeout_s=None, early_start_s=600)


def test_a_table_named_standard_is_for_every_outlet_that_names_none() -> None:
    rules = parse_settings(f"{SOUND}\n[terms.standard]\nbuffer_s = 120\n").rules()
    assert rules.evses["bay-1"].terms.buffer_s == 120
    assert rules.evses["bay-2"].terms.buffer_s == 0


def test_the_policy_is_complete_and_its_money_exact() -> None:
    assert parse_settings(SOUND).rules().evses["bay-1"].overstay == OverstayPolicy(
        id="standard",
        currency="EUR",
        tz="Europe/Berlin",
        basis=Basis.CHARGE_END,
        rate_per_min=Decimal("0.10"),
        version=4,
        grace_s=900,
        exempt=(LocalWindow(time(20), time(8), frozenset({Weekday.FRI})),),
        occupancy=(OccupancyBand(0, Decimal(1)), OccupancyBand(75, Decimal("1.5"))),
    )


def test_an_outlet_without_a_policy_costs_nothing() -> None:
    assert parse_settings(SOUND).rules().evses["bay-2"].overstay is None
    head, _, _ = SOUND.partition("[overstay.standard]")
    assert parse_settings(head).rules().evses["bay-1"].overstay is None


def test_the_end_of_the_day_may_be_written_as_24_00() -> None:
    policy = parse_settings(changed('end = "08:00"', 'end = "24:00"')).rules().evses["bay-1"].overstay
    assert policy is not None
    assert policy.exempt[0].end == time(0)


def test_a_local_time_of_toml_is_a_time_too() -> None:
    policy = parse_settings(changed('end = "08:00"', "end = 08:00:00")).rules().evses["bay-1"].overstay
    assert policy is not None
    assert policy.exempt[0].end == time(8)


def test_terms_and_policies_have_every_key_of_their_records_with_the_same_default() -> None:
    terms = {name: field.default for name, field in TermsSettings.model_fields.items()}
    assert terms == {field.name: field.default for field in fields(BookingTerms)}
    given = {"id", "currency", "tz", "minor_digits", "basis", "rate_per_min"}
    policy = {
        name: field.default for name, field in OverstaySettings.model_fields.items() if name not in given
    }
    assert policy == {
        field.name: field.default for field in fields(OverstayPolicy) if field.name not in given
    }


def test_the_default_socket_is_the_one_that_the_tool_asks() -> None:
    assert parse_settings(SOUND).control.socket == str(DEFAULT_PATH)


@pytest.mark.parametrize(("line", "port"), [("", 8883), ("tls = false", 1883), ("port = 9000", 9000)])
def test_the_port_of_the_broker_follows_tls(line: str, port: int) -> None:
    cloud = parse_settings(f'{SOUND}\n[cloud]\nhost = "localhost"\n{line}\n').cloud
    assert cloud is not None
    assert cloud.port == port
