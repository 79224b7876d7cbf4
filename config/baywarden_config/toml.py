"""Plain data as TOML text."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any


def toml_text(data: Mapping[str, Any]) -> str:
    """A document of tables and arrays of tables; what JSON can say but null, TOML can say too."""
    return "\n".join(_table(data, "")).lstrip("\n") + "\n"


def _table(data: Mapping[str, Any], name: str) -> Iterator[str]:
    tables = {key: value for key, value in data.items() if _is_table(value) or _is_array_of_tables(value)}
    for key, value in data.items():
        if key not in tables:
            yield f"{_key(key)} = {_value(value)}"
    for key, value in tables.items():
        inner = f"{name}.{_key(key)}" if name else _key(key)
        if _is_array_of_tables(value):
            for entry in value:
                yield f"\n[[{inner}]]"
                yield from _table(entry, inner)
        else:
            if not value or any(not _is_table(v) for v in value.values()):
                yield f"\n[{inner}]"
            yield from _table(value, inner)


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping)


def _is_array_of_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_table(entry) for entry in value)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _text(name)


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_value(entry) for entry in value)}]"
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _text(value: str) -> str:
    """A JSON string is a TOML string, but for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
