"""What single answers say for or against a profile; weights are natural logarithms of how much likelier it gets."""

import re
from dataclasses import dataclass
from decimal import Decimal

from baywarden_drivers.profile.points import ReadPoint
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.values.codec import decode
from baywarden_drivers.values.value import PointValue, Quality

NAMED = 7.0
"""The device writes its own name."""
MEASURED = 2.5
"""A voltage or frequency of the grid stands just there, in just that format."""
FITTING = 1.0
READABLE = 0.3
STRANGE = -4.0
"""The register exists and holds what it cannot hold."""
ABSENT = -2.5
"""A register that the profile is sure of does not exist."""

_TEXTS = ("vendor_name", "vendor_mark", "model_name", "device_name", "logistic_text", "platform")
_CODES = ("model_code", "hardware_variant", "device_id")
_WORD = re.compile(r"[a-z0-9]{3,}")
_COMMON_WORDS = frozenset({
    "and", "the", "with", "for", "electric", "charger", "charging", "meter", "energy", "series", "control", "phase",
    "station", "wallbox", "box", "smart", "connect", "ethernet", "modbus", "integer", "float", "any", "model", "ac",
})  # fmt: skip
_LINE_TO_LINE = re.compile(r"voltage_l[123]_l[123]")
_NEUTRAL_V = (Decimal(180), Decimal(270))
_LINE_V = (Decimal(310), Decimal(460))
_HERTZ = (Decimal("45"), Decimal("65"))
_MOST = 9


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason for (above 0) or against a profile, in words for people."""

    weight: float
    text: str


def telling_points(profile: Profile) -> list[ReadPoint]:
    """The points that tell the most about who answers, the most telling first."""
    status = profile.status.source if profile.status else None
    found = [one for one in profile.read if one.scope == "connector" or one.unit_id is None]
    order = {name: place for place, name in enumerate((*_TEXTS, *_CODES))}
    ranked = sorted(found, key=lambda one: (_rank(one, status), order.get(one.name, 99)))
    telling = [one for one in ranked if _rank(one, status) < 8]
    return (telling or ranked)[:_MOST]


def _rank(point: ReadPoint, status: str | None) -> int:
    if point.name in _TEXTS and point.dtype == "string":
        return 0
    if point.name in _CODES and point.values:
        return 1
    if point.name.startswith("voltage_l") and point.unit == "V":
        return 2 if point.name == "voltage_l1" else 4
    if point.name == "frequency":
        return 3
    if point.name == status:
        return 5
    if point.name in ("max_current_hw", "firmware", "serial"):
        return 6
    return 7 if point.poll == "hot" and not point.optional else 8


def weigh_answer(profile: Profile, point: ReadPoint, registers: tuple[int, ...]) -> Evidence:
    """What the registers of the point say."""
    value = decode(point, registers)
    if point.name in _TEXTS and point.dtype == "string":
        return _named(profile, point, value)
    if point.dtype == "string":
        return _text(point, value)
    if point.unit in ("V", "Hz") and not point.multiply_by and point.scale_point is None:
        return _measured(point, value)
    if profile.status is not None and point.name == profile.status.source:
        return _status(profile, point, value)
    if point.name in _CODES and point.values:
        fits = value.number in point.values
        return Evidence(MEASURED if fits else STRANGE, f"{point.name} is {value.number}")
    if point.name == "max_current_hw" and value.number is not None:
        fits = 6 <= value.number <= 500
        return Evidence(FITTING if fits else STRANGE, f"{point.name} is {value.number} A")
    return Evidence(READABLE, f"{point.name} is readable")


def weigh_refusal(point: ReadPoint, code: int | None) -> Evidence:
    """What a refusal (or, without a code, a silence) says."""
    if point.optional:
        return Evidence(0.0, "")
    how = "is not answered" if code is None else f"is refused with exception {code}"
    return Evidence(ABSENT if code in (None, 1, 2, 3) else 0.0, f"{point.name} {how}")


def _named(profile: Profile, point: ReadPoint, value: PointValue) -> Evidence:
    text = str(value.value or "").strip()
    if value.quality is Quality.INVALID or not text.isprintable():
        return Evidence(STRANGE, f"{point.name} is no text")
    if not text:
        return Evidence(0.0, "")
    own = _words(" ".join((profile.vendor, profile.model, profile.name, *profile.covers)))
    squeezed = re.sub(r"[^a-z0-9]", "", text.lower())
    if any(word in squeezed for word in own):
        return Evidence(NAMED, f"{point.name} says {text!r}")
    return Evidence(0.0, f"{point.name} says {text!r}")


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower())) - _COMMON_WORDS


def _text(point: ReadPoint, value: PointValue) -> Evidence:
    text = str(value.value or "").strip()
    if value.quality is Quality.INVALID or not text.isprintable():
        return Evidence(STRANGE, f"{point.name} is no text")
    return Evidence(FITTING if text else 0.0, f"{point.name} says {text!r}" if text else "")


def _measured(point: ReadPoint, value: PointValue) -> Evidence:
    number = value.number
    if number is None or not number:
        return Evidence(0.0, "")
    low, high = _HERTZ if point.unit == "Hz" else _LINE_V if _LINE_TO_LINE.match(point.name) else _NEUTRAL_V
    shown = f"{point.name} is {number:.6g} {point.unit}"
    return Evidence(MEASURED if low <= number <= high else STRANGE, shown)


def _status(profile: Profile, point: ReadPoint, value: PointValue) -> Evidence:
    status = profile.status
    if status is None or value.value is None:
        return Evidence(0.0, "")
    known = {*status.iec, *status.state} | {key for rule in status.rule for key in (*rule.iecs, *rule.states)}
    if not known or point.dtype.startswith("bitfield"):
        return Evidence(READABLE, f"{point.name} is readable")
    fits = str(value.value) in known
    zero = value.value == 0  # stands in every empty register
    return Evidence(
        (READABLE if zero else FITTING) if fits else STRANGE / 2, f"{point.name} is {value.value!r}"
    )
