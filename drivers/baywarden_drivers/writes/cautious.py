"""A limit for a device that has not shown yet in which order its registers stand."""

from collections.abc import Sequence
from decimal import Decimal

from baywarden_drivers.profile.points import WritePoint
from baywarden_drivers.values.encoding import encode
from baywarden_drivers.writes.wording import as_number, sayable


def sure(layouts: Sequence[WritePoint], amount: Decimal) -> Decimal | None:
    """The largest number up to `amount` that reads the same in all layouts; None where there is none.

    Of two registers in an unknown order these are the numbers whose registers are equal. Raises ValueRefused for
    what is no quantity.
    """
    usual = layouts[0].model_copy(update={"word_order": "msw_first", "low_byte_first": False})
    said = sayable(usual, amount)
    if not said or any(one.count != 2 for one in layouts):
        return None if said else said
    high, low = encode(usual, said)
    word = high if high <= low else high - 1
    numbers = {as_number(one, [word, word]) for one in layouts}
    return numbers.pop() if len(numbers) == 1 else None
