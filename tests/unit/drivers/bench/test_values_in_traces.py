"""What a trace says of an answer: the points inside it, with their values as people write them."""

import struct

import pytest

from baywarden_drivers.bench.frames import Answer
from baywarden_drivers.bench.names import Names, Tenant
from baywarden_drivers.links.request import Request
from baywarden_drivers.profile import load_profile


@pytest.mark.parametrize(
    ("number", "shown"),
    [(49.0345916748046875, "49.0345917 A"), (16.0, "16 A"), (0.0, "0 A"), (16_777_215.0, "16777215 A")],
)
def test_a_float_is_told_without_the_digits_that_it_does_not_hold(number: float, shown: str) -> None:
    names = Names([Tenant(load_profile("eastron-sdm630"), 1)])
    registers = struct.unpack(">HH", struct.pack(">f", number))
    assert names.values(Request(1, 4, 6, 2), Answer(registers)) == {"current_l1": shown}
