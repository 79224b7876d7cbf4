"""Finds the line of a place like `chargers[2].evses[0].circuit` in the text of a TOML file."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

_PART: Final = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_NAME: Final = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER: Final = re.compile(rf"\s*(\[\[?)\s*({_NAME})\s*\]")
_KEY: Final = re.compile(rf"\s*({_NAME})\s*=")
_TOKEN: Final = re.compile(
    r'''"""|\'\'\'|"(?:\\.|[^"\\])*"|'[^']*'|[\[\]{}]|\#''',
)


def lines_of(text: str) -> Mapping[str, int]:
    """The line, counted from 1, of every table and key that stands on a line of its own."""
    found: dict[str, int] = {}
    counts: dict[str, int] = {}
    table = ""
    for number, line in _statements(text):
        if header := _HEADER.match(line):
            table = _table(_parts(header[2]), header[1] == "[[", counts)
            found.setdefault(table, number)
            found.setdefault(table.removesuffix("[0]"), number)
        elif key := _KEY.match(line):
            found.setdefault(".".join(filter(None, [table, *_parts(key[1])])), number)
    return found


def line_of(place: str, lines: Mapping[str, int]) -> int | None:
    """The line of the place, else of the nearest table around it."""
    while place:
        if place in lines:
            return lines[place]
        place = place[: max(place.rfind("."), place.rfind("["), 0)]
    return None


def _parts(name: str) -> list[str]:
    return [part.strip("\"'") for part in re.findall(_PART, name)]


def _table(parts: list[str], repeated: bool, counts: dict[str, int]) -> str:
    """The place of a header; an array on the way means its newest element."""
    place = ""
    for at, part in enumerate(parts):
        place = f"{place}.{part}" if place else part
        if repeated and at == len(parts) - 1:
            counts[place] = counts.get(place, 0) + 1
        if place in counts:
            place = f"{place}[{counts[place] - 1}]"
    return place


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """The lines that begin a header or a key: not those inside a long string or array."""
    depth, quote = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        if not depth and not quote:
            yield number, line
            if _HEADER.match(line):
                continue
        depth, quote = _after(line, depth, quote)


def _after(line: str, depth: int, quote: str) -> tuple[int, str]:
    """Open brackets and the open long quote at the end of the line."""
    at = 0
    while at < len(line):
        if quote:
            end = line.find(quote, at)
            if end < 0:
                return depth, quote
            at, quote = end + 3, ""
            continue
        token = _TOKEN.search(line, at)
        if token is None or token[0] == "#":
            break
        at = token.end()
        if token[0] in ('"""', "'''"):
            quote = token[0]
        elif token[0] in "[{":
            depth += 1
        elif token[0] in "]}":
            depth = max(0, depth - 1)
    return depth, quote
