"""`baywarden status`: what every outlet, meter, circuit, link and stream does, and why."""

from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from baywarden_config.asking import ask, show, talking
from baywarden_config.errors import DONE
from baywarden_config.layout import age, phases, said, table
from baywarden_config.links import link_faults, link_rows
from baywarden_config.times import shown

Data = Mapping[str, Any]

CLOCKS: Final = {
    "S": "synchronised",
    "R": "synchronised earlier in this boot",
    "I": "not synchronised",
    "U": "not known to be right",
}
BROKER: Final[Mapping[object, str]] = {True: "connected", False: "not connected"}


def add_parser(subparsers: Any) -> None:
    """Tell argparse about the command."""
    subparsers.add_parser(
        "status", help="what every outlet, meter, circuit and link does, and why", parents=[talking()]
    )


def run(args: Namespace) -> int:
    """Print the daemon's view of the site."""
    data = ask(args, "status")["data"]
    if args.json:
        show(data)
        return DONE
    for block in (
        _site,
        _outlets,
        _whys,
        _decisions,
        _circuits,
        _meters,
        link_rows,
        link_faults,
        _streams,
        _rest,
    ):
        lines = list(block(data, args.local))
        if lines:
            print("\n".join(lines), end="\n\n" if block is not _rest else "\n")
    return DONE


def _site(data: Data, local: bool) -> Iterator[str]:
    clock, broker = data.get("clock") or {}, data.get("broker")
    quality = clock.get("quality")
    site, version, epoch = (said(data.get(key)) for key in ("site_id", "version", "epoch"))
    yield f"Site   {site}, Baywarden {version}, epoch {epoch}"
    yield f"Clock  {shown(clock.get('at'), local)}, {CLOCKS.get(str(quality), said(quality))}"
    yield f"Cloud  {_broker(broker, local)}"


def _broker(broker: Data | None, local: bool) -> str:
    if not broker:
        return "not configured"
    state = BROKER.get(broker.get("connected"), "not known")
    since = f" since {shown(broker['since_at'], local)}" if broker.get("since_at") else ""
    reason = f": {broker['reason']}" if broker.get("reason") else ""
    return f"{state}{since}{reason}"


def _outlets(data: Data, local: bool) -> Sequence[str]:
    columns = [
        "OUTLET",
        "LABEL",
        "STATE",
        "REASON",
        "SINCE",
        "READ",
        "A",
        "POWER W",
        "LIMIT A",
        "SESSION",
        "BOOKING",
    ]
    rows = [
        [
            said(evse.get("evse_id")),
            said(evse.get("label")),
            said(evse.get("availability")),
            said(evse.get("reason")),
            shown(evse.get("since_at"), local),
            _read(evse),
            phases(evse.get("current_a")),
            said(evse.get("power_w")),
            said(evse.get("limit_a")),
            said(evse.get("session_id")),
            said(evse.get("booking_id")),
        ]
        for evse in data.get("evses") or ()
    ]
    return table(columns, rows) if rows else ["No outlets."]


def _read(evse: Data) -> str:
    """Age of the reading; stale is never shown as fresh."""
    seconds = evse.get("age_s")
    return "never" if seconds is None else f"{age(seconds)} ago"


def _whys(data: Data, local: bool) -> Iterator[str]:
    for evse in data.get("evses") or ():
        words = [evse.get(key) for key in ("detail", "contact_reason", "why", "trouble")]
        told = list(dict.fromkeys(str(word) for word in words if word))
        if told:
            yield f"{evse.get('evse_id')}: {'; '.join(told)}"
    for meter in data.get("meters") or ():
        if meter.get("contact_reason"):
            yield f"{meter.get('meter_id')}: {meter['contact_reason']}"


def _decisions(data: Data, local: bool) -> Iterator[str]:
    """What devices have shown of what their profiles leave open; what nothing can decide is no news."""
    devices = [(one.get("evse_id"), one) for one in data.get("evses") or ()]
    devices += [(one.get("meter_id"), one) for one in data.get("meters") or ()]
    for name, device in devices:
        for one in device.get("decisions") or ():
            if one.get("choice"):
                yield f"{name}: {one.get('text')}"


def _circuits(data: Data, local: bool) -> Sequence[str]:
    rows = [
        [said(c.get("circuit_id")), said(c.get("limit_a")), phases(c.get("worst_a"))]
        for c in data.get("circuits") or ()
    ]
    return table(["CIRCUIT", "LIMIT A", "OURS AT WORST A"], rows) if rows else []


def _meters(data: Data, local: bool) -> Sequence[str]:
    rows = [
        [
            said(m.get("meter_id")),
            said(m.get("contact")),
            _read(m),
            phases(m.get("current_a")),
            said(m.get("power_w")),
        ]
        for m in data.get("meters") or ()
    ]
    return table(["METER", "CONTACT", "READ", "A", "POWER W"], rows) if rows else []


def _streams(data: Data, local: bool) -> Sequence[str]:
    rows = [
        [
            said(s.get("stream")),
            *(said(s.get(key)) for key in ("last_seq", "acked_seq", "oldest_seq")),
            _waiting(s),
        ]
        for s in data.get("streams") or ()
    ]
    return table(["STREAM", "LAST", "SENT", "OLDEST", "WAITING"], rows) if rows else []


def _waiting(stream: Data) -> str:
    last, acked = stream.get("last_seq"), stream.get("acked_seq")
    return said(last - acked if isinstance(last, int) and isinstance(acked, int) else None)


def _rest(data: Data, local: bool) -> Iterator[str]:
    for title, key in (("Store", "store"), ("Counters", "counters")):
        values = data.get(key)
        if isinstance(values, Mapping) and values:
            yield f"{title}: " + ", ".join(f"{name} {said(value)}" for name, value in values.items())
