"""Every key of site.toml with its default and meaning, read from the models themselves."""

import json
from collections.abc import Iterator
from enum import Enum
from typing import Any, Final, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

TITLES: Final = {
    "links": "[[links]]",
    "chargers": "[[chargers]]",
    "evses": "[[chargers.evses]]",
    "meters": "[[meters]]",
    "circuits": "[[circuits]]",
    "terms": "[terms.NAME]",
    "overstay": "[overstay.NAME]",
    "access": "[access.GROUP]",
    "exempt": "exempt, in [overstay.NAME]",
    "occupancy": "occupancy, in [overstay.NAME]",
}


def key_tables(model: type[BaseModel]) -> str:
    """A Markdown table for each table of the file."""
    return "\n".join(_tables(model)).strip()


def _tables(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        inner = list(dict.fromkeys(_models_in(field.annotation)))
        for each in inner:
            title = TITLES.get(name, f"[{name}]")
            suffix = f", {_tag(each)}" if len(inner) > 1 else ""
            yield f"### `{title}`{suffix}\n"
            yield "| key | default | meaning |\n| --- | --- | --- |"
            yield from (_row(key, value) for key, value in each.model_fields.items())
            yield ""
            yield from _tables(each)


def _row(key: str, field: FieldInfo) -> str:
    return f"| `{key}` | {_default(field)} | {_meaning(field)} |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default_factory is not None or field.default is None or field.default == ():
        return ""
    shown = json.dumps(field.default, default=_plain)
    return f"`{shown.removesuffix('.0')}`"


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value if isinstance(value.value, str) else value.name
    return float(value)


def _meaning(field: FieldInfo) -> str:
    words = [word for word in get_args(field.annotation) if isinstance(word, str | int)]
    words += [member.value for member in _members(field.annotation)]
    choice = f" ({', '.join(f'`{json.dumps(word)}`' for word in words)})" if len(words) > 1 else ""
    return f"{field.description}{choice}".replace("|", "\\|")


def _members(annotation: Any) -> Iterator[Enum]:
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        yield from annotation


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)


def _tag(model: type[BaseModel]) -> str:
    return str(get_args(model.model_fields["type"].annotation)[0])
