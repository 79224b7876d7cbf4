"""SunSpec: where the chain of models of a device begins, what is in it, and where a profile's points are by it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from baywarden_drivers.errors import Garbled, Refused
from baywarden_drivers.links.link import Link
from baywarden_drivers.profile.habits import Span
from baywarden_drivers.profile.points import ReadPoint
from baywarden_drivers.profile.schema import Profile

MARK = (0x5375, 0x6E53)
"""The text "SunS"."""
COMMON = 1
"""The model that says who the device is; each further meter behind the same address begins with one."""
_END = 0xFFFF
_HEADER = 2
_MOST_MODELS = 200


@dataclass(frozen=True, slots=True)
class Model:
    """One model: `address` is that of the register with its number, `length` is without number and length."""

    number: int
    address: int
    length: int

    @property
    def end(self) -> int:
        """The first address after it."""
        return self.address + _HEADER + self.length


@dataclass(frozen=True, slots=True)
class Chain:
    """The models of a device in their order, from the mark at `base`."""

    base: int
    models: tuple[Model, ...]
    ends_unmarked: bool = False
    """The device refused to be read where the mark of the end should stand."""

    def find(self, numbers: Iterable[int]) -> list[Model]:
        """All models with one of these numbers."""
        wanted = set(numbers)
        return [one for one in self.models if one.number in wanted]

    def common_of(self, model: Model) -> Model | None:
        """The common model to which `model` belongs: the last one before it."""
        before = [one for one in self.models if one.number == COMMON and one.address < model.address]
        return before[-1] if before else None

    def __str__(self) -> str:
        numbers = ", ".join(str(one.number) for one in self.models)
        return f"the chain at {self.base} holds {numbers or 'no model'}"


async def discover(link: Link, unit: int, bases: Sequence[int], kind: str = "holding") -> Chain:
    """The chain of the device at `unit`. Raises Refused where there is no mark, Garbled where the chain breaks.

    Only the mark, and the number and length of each model, are read.
    """
    base = await _find_mark(link, unit, bases, kind)
    models: list[Model] = []
    at = base + len(MARK)
    while len(models) < _MOST_MODELS:
        if at > _END:
            break
        header = await _header(link, unit, kind, at)
        if header is None and models:
            return Chain(base, tuple(models), ends_unmarked=True)
        if header is None or header == (0, 0):
            raise Garbled(f"unit {unit}: its SunSpec chain breaks at {at}: no model stands there")
        number, length = header
        if number == _END:
            return Chain(base, tuple(models))
        models.append(Model(number, at, length))
        if models[-1].end > _END + 1:
            raise Garbled(
                f"unit {unit}: its SunSpec chain breaks at {at}: model {number} has {length} registers"
            )
        at = models[-1].end
    raise Garbled(f"unit {unit}: its SunSpec chain breaks at {at}: {len(models)} models and no end")


async def _find_mark(link: Link, unit: int, bases: Sequence[int], kind: str) -> int:
    refusal: Refused | None = None
    for base in bases:
        try:
            if await link.read(unit, kind, base, len(MARK)) == MARK:
                return base
        except Refused as error:
            refusal = error
    places = ", ".join(str(base) for base in bases)
    detail = f"unit {unit}: no SunSpec device: its mark stands at none of {places}"
    raise Refused(detail, code=2 if refusal is None else refusal.code) from refusal


async def _header(link: Link, unit: int, kind: str, at: int) -> tuple[int, int] | None:
    """Number and length of the model at this address; None where nothing can be read.

    Some devices have one register at the end, with no length behind it.
    """
    try:
        if at < _END:
            number, length = await link.read(unit, kind, at, _HEADER)
            return number, length
    except Refused:
        pass
    try:
        (number,) = await link.read(unit, kind, at, 1)
    except Refused:
        return None
    return (number, 0) if number == _END else None


def pick(chain: Chain, profiles: Sequence[Profile]) -> Profile:
    """The profile that describes the most meters of the chain; the first of those that describe as many."""
    return max(profiles, key=lambda one: len(chain.find(_models(one))))


def model_of(profile: Profile, chain: Chain, instance: int = 1) -> Model:
    """The n-th model (from 1) that the profile describes. Raises Refused when the chain holds no such."""
    found = chain.find(_models(profile))
    if len(found) < instance:
        wanted = ", ".join(map(str, _models(profile)))
        how_many = f"only {len(found)}" if found else "none"
        raise Refused(f"number {instance} of the models {wanted} is wanted, but {chain}: {how_many}", code=2)
    return found[instance - 1]


def resolve(profile: Profile, chain: Chain, instance: int = 1) -> Profile:
    """The same profile with addresses of this device; points behind the end of a model are left out.

    Raises Refused when the chain does not hold its model `instance` times.
    """
    model = model_of(profile, chain, instance)
    common = chain.common_of(model)
    homes = {"model": model, "common": common}
    points = [_at(point, homes[point.sunspec or "model"]) for point in profile.read]
    spans = [
        Span.model_construct(type=kind, first=home.address, last=home.end - 1, scope="connector")
        for kind in sorted({point.type for point in profile.read})
        for home in (common, model)
        if home is not None
    ]
    # A read may run across all of a model, and not across the other models between them.
    habits = {"sunspec": None, "gaps_readable": False, "blocks": tuple(spans)}
    protocol = profile.protocol.model_copy(update=habits)
    present = tuple(one for one in points if one is not None)
    return profile.changed(read=present, protocol=protocol)


def _models(profile: Profile) -> Sequence[int]:
    sunspec = profile.protocol.sunspec
    return () if sunspec is None else sunspec.models


def _at(point: ReadPoint, home: Model | None) -> ReadPoint | None:
    """The point at its place; None where the model is too short for it."""
    if home is None or point.end > _HEADER + home.length:
        return None
    return point.model_copy(update={"address": point.address + home.address, "sunspec": None})
