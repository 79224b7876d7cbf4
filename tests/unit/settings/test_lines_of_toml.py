"""The line of a place is found in hand-written TOML, also around long strings and arrays."""

import pytest

from baywarden.settings.lines import line_of, lines_of

TEXT = '''\
# [not.a.table]
[site]
name = """
[[links]]
id = "inside a string"
"""
"quoted key" = 1

[[chargers]]
id = "a"
[[chargers.evses]]
id = "a1"
[[chargers.evses]]
phases = [
  "L1",  # = ]
  "L2",
]
id = "a2"
[[chargers]]
evses = [
  { id = "b1" },
]
[terms.standard]
x.y = "[ # not a comment"
last = 1
'''


@pytest.mark.parametrize(
    ("place", "starts"),
    [
        ("site", "[site]"),
        ("site.quoted key", '"quoted key"'),
        ("chargers[0].id", 'id = "a"'),
        ("chargers[0].evses[0].id", 'id = "a1"'),
        ("chargers[0].evses[1].id", 'id = "a2"'),
        ("chargers[0].evses[1].phases[1]", "phases = ["),
        ("chargers[1]", "[[chargers]]"),
        ("chargers[1].evses[0].id", "evses = ["),
        ("chargers[1].circuit", "[[chargers]]"),
        ("terms.standard.x.y", "x.y"),
        ("terms.standard.last", "last"),
    ],
)
def test_a_place_has_the_line_it_was_written_on(place: str, starts: str) -> None:
    line = line_of(place, lines_of(TEXT))
    assert line is not None
    assert TEXT.splitlines()[line - 1].startswith(starts)


def test_what_stands_inside_a_long_string_is_no_table() -> None:
    assert line_of("links[0]", lines_of(TEXT)) is None


def test_a_place_that_is_nowhere_has_no_line() -> None:
    assert line_of("cloud.host", lines_of(TEXT)) is None
    assert line_of("", lines_of(TEXT)) is None
