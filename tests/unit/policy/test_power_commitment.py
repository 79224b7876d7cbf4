"""Which limit of an outlet counts while a write is under way."""

from baywarden.model.site import Commitment
from baywarden.model.time import Now
from baywarden.policy.commitment import ANY_MA, confirmed, drifted, failed, first, sent
from support.power_yard import BEGIN

NOW = Now(BEGIN, 5_000, "boot")
LATER = Now(BEGIN, 9_000, "boot")
TEN = Commitment("a", 10_000, 10_000, confirmed=True)


def test_a_cut_counts_at_the_old_limit_until_it_is_read_back() -> None:
    cut = sent(TEN, "a", 6_000, NOW)
    assert (cut.allowed_ma, cut.sent_ma, cut.confirmed, cut.cut_mono_ms) == (10_000, 6_000, False, 5_000)
    assert confirmed(cut, 6_000) == Commitment("a", 6_000, 6_000, True, None, 5_000)


def test_a_raise_counts_at_the_new_limit_from_the_sending_on() -> None:
    raised = sent(TEN, "a", 16_000, NOW)
    assert (raised.allowed_ma, raised.confirmed, raised.raised_mono_ms) == (16_000, False, 5_000)


def test_a_write_that_failed_may_have_happened() -> None:
    assert failed(sent(TEN, "a", 16_000, NOW)).allowed_ma == 16_000
    assert not failed(TEN).confirmed


def test_reading_back_the_old_limit_proves_nothing() -> None:
    cut = sent(TEN, "a", 6_000, NOW)
    assert confirmed(cut, 10_000) == cut
    raised = sent(TEN, "a", 16_000, NOW)
    assert confirmed(raised, 10_000).allowed_ma == 16_000


def test_a_limit_that_nobody_sent_counts_when_it_is_larger() -> None:
    assert drifted(TEN, 32_000) == Commitment("a", 32_000, 10_000, confirmed=False)
    assert drifted(TEN, 6_000).allowed_ma == 10_000


def test_sending_the_same_again_is_neither_cut_nor_raise() -> None:
    cut = sent(TEN, "a", 6_000, NOW)
    assert sent(cut, "a", 6_000, LATER) == cut


def test_an_outlet_that_was_never_read_may_allow_anything_until_its_first_limit_is_read_back() -> None:
    assert first("a", None).allowed_ma == ANY_MA
    assert sent(None, "a", 6_000, NOW).allowed_ma == ANY_MA
    assert confirmed(sent(None, "a", 6_000, NOW), 6_000).allowed_ma == 6_000
    assert first("a", 9_500) == Commitment("a", 9_500)
