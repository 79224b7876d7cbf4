"""Time zones and currencies."""

from functools import cache
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator

from baywarden.settings.errors import nearest
from baywarden.settings.kinds import one_of, refuse

_NO_DIGITS: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DIGITS: Final = "BHD IQD JOD KWD LYD OMR TND"

_TWO_DIGITS: Final = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY
COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR
ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK
MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP
SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER
ZAR ZMW ZWG
"""


@cache
def currencies() -> frozenset[str]:
    """ISO 4217 codes in use."""
    return frozenset(f"{_NO_DIGITS} {_TWO_DIGITS} {_THREE_DIGITS}".split())


def minor_digits_of(currency: str) -> int:
    """Decimal digits of the currency's minor unit (ISO 4217)."""
    if currency in _NO_DIGITS.split():
        return 0
    return 3 if currency in _THREE_DIGITS.split() else 2


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        refuse(
            f"{name!r} is no time zone",
            'an IANA name like "Europe/Berlin"',
            nearest(name, available_timezones()),
        )
    return name


TimeZone = Annotated[str, AfterValidator(_time_zone)]
Currency = Annotated[str, one_of(currencies, "ISO 4217 currency in use")]
