"""Which outlet holds which live booking: a mapping that is never changed and yet cheap to change a copy of."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

_BUCKETS: Final = 256


class Places(Mapping[str, str]):
    """Booking id to outlet id. Copies share all buckets but one: among 100,000 a whole copy takes milliseconds."""

    __slots__ = ("_buckets",)

    def __init__(self, buckets: tuple[Mapping[str, str], ...]) -> None:
        self._buckets = buckets

    def __getitem__(self, booking_id: str) -> str:
        return self._buckets[hash(booking_id) % _BUCKETS][booking_id]

    def __iter__(self) -> Iterator[str]:
        return (booking_id for bucket in self._buckets for booking_id in bucket)

    def __len__(self) -> int:
        return sum(len(bucket) for bucket in self._buckets)

    def __repr__(self) -> str:
        return f"Places({dict(self)!r})"


def places(pairs: Iterable[tuple[str, str]]) -> Places:
    """From pairs of booking and outlet."""
    buckets: tuple[dict[str, str], ...] = tuple({} for _ in range(_BUCKETS))
    for booking_id, evse_id in pairs:
        buckets[hash(booking_id) % _BUCKETS][booking_id] = evse_id
    return Places(buckets)


def placed(old: Mapping[str, str], booking_id: str, evse_id: str) -> Places:
    """With one more, or one at another outlet."""
    buckets, place = _split(old, booking_id)
    return Places((*buckets[:place], {**buckets[place], booking_id: evse_id}, *buckets[place + 1 :]))


def left(old: Mapping[str, str], booking_id: str) -> Places:
    """Without this one."""
    buckets, place = _split(old, booking_id)
    bucket = {key: evse_id for key, evse_id in buckets[place].items() if key != booking_id}
    return Places((*buckets[:place], bucket, *buckets[place + 1 :]))


def _split(old: Mapping[str, str], booking_id: str) -> tuple[tuple[Mapping[str, str], ...], int]:
    shared = old if isinstance(old, Places) else places(old.items())
    return shared._buckets, hash(booking_id) % _BUCKETS
