"""What `status` shows is what is known, with reasons and ages."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from baywarden.model.event import Stream, StreamHead
from baywarden.model.reading import Contact, Decision, EvseReading, MeterReading, Snapshot
from baywarden.model.site import Circuit, EvseRules, SiteRules
from baywarden.services.report import circuit_report, evse_report, meter_report, site_report, stream_report
from support.clock import FakeClock
from support.site_at_work import SiteAtWork, site_at_work

RULES = SiteRules(
    "harbour",
    "Europe/Berlin",
    "EUR",
    {
        "b1": EvseRules("b1", "Bay 1", "row", phases=(1, 2, 3)),
        "b2": EvseRules("b2", "Bay 2", "row", phases=(2,)),
        "b3": EvseRules("b3", "Bay 3", "main", phases=(3,)),
    },
    {"main": Circuit("main", 63_000), "row": Circuit("row", 32_000, parent="main")},
)


@pytest.fixture
async def work(tmp_path: Path, clock: FakeClock) -> AsyncIterator[SiteAtWork]:
    async with site_at_work(tmp_path, clock, RULES) as work:
        yield work


async def test_of_an_outlet_that_was_never_heard_nothing_is_made_up(work: SiteAtWork) -> None:
    shown = evse_report("b1", work.brain, work.steward, EvseReading("b1"), work.clock.now())
    unknown = ("age_s", "state", "power_w", "energy_wh", "limit_a", "why", "worst_a")
    assert {key: shown[key] for key in unknown} == dict.fromkeys(unknown)
    assert shown["current_a"] == [None, None, None]
    assert (shown["contact"], shown["availability"], shown["limit_confirmed"]) == ("never", "unknown", False)
    assert shown["failsafe"] == "not armed yet"


async def test_an_outlet_is_shown_in_amperes_and_with_its_age(work: SiteAtWork) -> None:
    work.plug("b1")
    await work.cycles(15)
    reading = work.board.snapshot().evses["b1"]
    await work.clock.advance(2.5)
    shown = evse_report("b1", work.brain, work.steward, reading, work.clock.now())
    assert shown["current_a"] == [16.0, 16.0, 16.0]
    assert (shown["limit_a"], shown["worst_a"], shown["limit_confirmed"]) == (16.0, 16.0, True)
    assert (shown["age_s"], shown["label"], shown["state"]) == (2.5, "Bay 1", "charging")
    assert shown["why"] == "16 A: that is all it can give"
    session = work.session("b1")
    assert session is not None and shown["session_id"] == session.id


async def test_trouble_with_an_outlet_is_shown_in_words(work: SiteAtWork) -> None:
    await work.cycles(2)
    work.outlets["b1"].refuses_writes = True
    work.plug("b1")
    await work.cycles(2)
    reading = work.board.snapshot().evses["b1"]
    shown = evse_report("b1", work.brain, work.steward, reading, work.clock.now())
    assert shown["trouble"] == "b1: refuses the limit of 16000 mA"
    assert shown["limit_confirmed"] is False


async def test_a_circuit_shows_its_worst_case_on_each_phase(work: SiteAtWork) -> None:
    for evse_id in RULES.evses:
        work.plug(evse_id)
    await work.cycles(20)
    rows = {row["circuit_id"]: row for row in circuit_report(RULES, work.steward)}
    held = {key: one.allowed_ma / 1000 for key, one in work.steward.held().items()}
    assert rows["row"] == {
        "circuit_id": "row",
        "limit_a": 32.0,
        "worst_a": [held["b1"], held["b1"] + held["b2"], held["b1"]],
    }
    assert rows["main"]["worst_a"] == [held["b1"], held["b1"] + held["b2"], held["b1"] + held["b3"]]
    assert held == {"b1": 16.0, "b2": 16.0, "b3": 16.0}


async def test_the_worst_case_is_unknown_while_one_outlet_is(work: SiteAtWork) -> None:
    work.outlets["b2"].contact = Contact.SILENT
    work.outlets["b2"].set(limit_ma=None)
    await work.cycles(3)
    rows = {row["circuit_id"]: row for row in circuit_report(RULES, work.steward)}
    assert rows["row"]["worst_a"] == [0.0, None, 0.0]


def test_a_meter_that_feeds_back_shows_it_and_what_it_does_not_say_is_null(clock: FakeClock) -> None:
    now = clock.now()
    reading = MeterReading(
        "grid", Contact.OK, read_mono_ms=now.mono_ms - 1_500, current_ma=(-4_200, None, 0), power_w=-966
    )
    assert meter_report(reading, now) == {
        "meter_id": "grid",
        "contact": "ok",
        "contact_reason": "",
        "age_s": 1.5,
        "current_a": [-4.2, None, 0.0],
        "power_w": -966,
        "energy_wh": None,
        "decisions": [],
    }


async def test_what_a_device_has_shown_is_told_with_what_was_seen(work: SiteAtWork) -> None:
    seen = Decision(
        "word_order", "lsw_first", True, "frequency reads 50 Hz", "word order: lsw_first, because …"
    )
    as_json = {
        "name": "word_order",
        "choice": "lsw_first",
        "decided": True,
        "why": "frequency reads 50 Hz",
        "text": "word order: lsw_first, because …",
    }
    now = work.clock.now()
    outlet = evse_report("b1", work.brain, work.steward, EvseReading("b1", decisions=(seen,)), now)
    assert outlet["decisions"] == [as_json]
    assert meter_report(MeterReading("grid", decisions=(seen,)), now)["decisions"] == [as_json]


def test_a_stream_shows_where_it_stands() -> None:
    head = StreamHead(Stream.PENALTY, 2, 40, 38, 12)
    assert stream_report(head) == {
        "stream": "penalty",
        "epoch": 2,
        "last_seq": 40,
        "acked_seq": 38,
        "oldest_seq": 12,
        "acknowledged_by": "broker",
    }
    assert stream_report(replace(head, cloud_acks=True))["acknowledged_by"] == "cloud"


async def test_the_whole_report_is_plain_json_of_all_that_is_configured(work: SiteAtWork) -> None:
    snapshot = Snapshot({}, {"grid": MeterReading("grid")})
    report = site_report(work.brain, work.steward, snapshot, work.clock.now())
    assert report["time_zone"] == "Europe/Berlin"
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert [one["evse_id"] for one in report["evses"]] == ["b1", "b2", "b3"]
    assert [one["meter_id"] for one in report["meters"]] == ["grid"]
    assert report["boot_id"] == "boot-1"
