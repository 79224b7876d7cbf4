"""The registers of SunSpec meters: a mark, the models one behind the other, and the end."""

from collections.abc import Sequence

from baywarden_drivers.profile.points import ReadPoint
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.simulator.bank import Bank
from baywarden_drivers.simulator.device import Device
from baywarden_drivers.simulator.errors import SiteFileError
from baywarden_drivers.sunspec import COMMON, MARK, Chain, Model, resolve

COMMON_LENGTH = 66
INTEGER_LENGTH, FLOAT_LENGTH = 105, 124
"""Of the meter models 201 to 204, and of 211 to 214."""
HEADER = 2
END = (0xFFFF, 0)
NOT_IMPLEMENTED = 0x8000
KIND = "holding"


def model_of(profile: Profile, wanted: int | None, phases: int, device: str) -> int:
    """The model that the device has; without a wish by its phases. Raises SiteFileError."""
    assert profile.protocol.sunspec is not None
    models = profile.protocol.sunspec.models
    if wanted is None:
        digit = 1 if phases == 1 else 3
        return next((one for one in models if one % 10 == digit), models[0])
    if wanted not in models:
        raise SiteFileError(
            f"{device}: {profile.name} has no model {wanted}; there are {', '.join(map(str, models))}"
        )
    return wanted


def length_of(model: int) -> int:
    """Registers behind number and length."""
    return FLOAT_LENGTH if model // 10 % 10 == 1 else INTEGER_LENGTH


def chain_bank(meters: Sequence[tuple[Device, int]], base: int) -> Bank:
    """The registers of one or several meters (with their models), from the mark at `base`."""
    at, models = base + len(MARK), []
    for _, number in meters:
        for one, length in ((COMMON, COMMON_LENGTH), (number, length_of(number))):
            models.append(Model(one, at, length))
            at = models[-1].end
    bank = Bank(meters[0][0], connectors={1})
    _write(bank, base, [*MARK, *[NOT_IMPLEMENTED] * (at - base - len(MARK)), *END])
    chain = Chain(base, tuple(models))
    for place, (device, _) in enumerate(meters):
        model = models[2 * place + 1]
        _write(bank, chain.models[2 * place].address, [COMMON, COMMON_LENGTH, *[0] * COMMON_LENGTH])
        _write(bank, model.address, [model.number, model.length])
        for point in _points(device, chain, model):
            if device.has(point.name):
                bank.add(device, point, 1, point.address)
    return bank


def _points(device: Device, chain: Chain, model: Model) -> Sequence[ReadPoint]:
    """The points of the device at their places in the chain."""
    assert device.profile.protocol.sunspec is not None
    same = chain.find(device.profile.protocol.sunspec.models)
    return resolve(device.profile, chain, same.index(model) + 1).read


def _write(bank: Bank, first: int, registers: Sequence[int]) -> None:
    for address, register in enumerate(registers, first):
        bank.background[KIND, address] = register
