"""Where things are said, and where an answer may go."""

import pytest

from baywarden.sync.topics import Topics

TOPICS = Topics("site-1")


@pytest.mark.parametrize("wanted", ["evs/1/site-1/rsp/console", "evs/1/site-1/rsp/console/7"])
def test_an_answer_goes_to_a_response_topic_of_the_site(wanted: str) -> None:
    assert TOPICS.response(wanted) == wanted


@pytest.mark.parametrize(
    "wanted",
    [
        None,
        "",
        "evs/1/site-1/rsp",
        "evs/1/site-1/rsp/",
        "evs/1/site-1/cmd/booking.put",
        "evs/1/site-10/rsp/console",
        "evs/1/site-1/rsp/#",
        "evs/1/site-1/rsp/+",
        "evs/1/site-1/rsp/a\x00b",
        "evs/1/site-1/rsp/a\u200bb",
        "evs/1/site-1/rsp/a/b/c/d",
        "evs/1/site-1/rsp/" + "x" * 300,
        "$SYS/x",
    ],
)
def test_any_other_answer_goes_to_the_default_topic(wanted: str | None) -> None:
    assert TOPICS.response(wanted) == "evs/1/site-1/rsp/default"


def test_a_command_is_named_by_its_topic() -> None:
    assert TOPICS.command_name("evs/1/site-1/cmd/booking.put") == "booking.put"
    assert TOPICS.command_name("evs/1/site-2/cmd/booking.put") is None
    assert TOPICS.command_name("") is None
