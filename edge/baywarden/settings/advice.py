"""Turns what pydantic says of a file into faults that a technician can act on."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from baywarden.settings.errors import Fault, listed, nearest
from baywarden.settings.tree import Settings

Loc = tuple[int | str, ...]

_PLAIN: Final[Mapping[str, tuple[str, str]]] = {
    "missing": ("is missing", ""),
    "int_type": ("must be a whole number", "digits without quotes"),
    "float_type": ("must be a number", "digits without quotes"),
    "string_type": ("must be text", "text in quotes"),
    "bool_type": ("must be yes or no", "true, false"),
    "tuple_type": ("must be a list", "values in [ ]"),
    "dict_type": ("must be a table", "keys and values"),
    "model_type": ("must be a table", "keys and values"),
    "model_attributes_type": ("must be a table", "keys and values"),
    "string_too_short": ("is empty", ""),
    "finite_number": ("must be a finite number", ""),
    "string_pattern_mismatch": (
        "is no host name or address",
        "a name or an IP address without port or scheme",
    ),
}
_LIMITS: Final[Mapping[str, tuple[str, str]]] = {
    "greater_than_equal": ("is too small", "at least {ge:g}"),
    "greater_than": ("is too small", "more than {gt:g}"),
    "less_than_equal": ("is too large", "at most {le:g}"),
    "string_too_long": ("is too long", "at most {max_length} characters"),
    "too_short": ("has too few entries", "at least {min_length}"),
    "too_long": ("has too many entries", "at most {max_length}"),
}
_SECRET: Final = ("password", "passphrase", "secret", "key", "token")


def faults_of(error: ValidationError, root: type[BaseModel] = Settings) -> Iterator[Fault]:
    """One fault for each complaint; a misspelt key is one fault, not an unknown and a missing one.

    `root` is the model of the whole file.
    """
    details = error.errors(include_url=False)
    meant = {
        (*d["loc"][:-1], near)
        for d in details
        if d["type"] == "extra_forbidden"
        and (near := nearest(str(d["loc"][-1]), _keys_at(d["loc"][:-1], root)))
    }
    for d in details:
        if not _follows(d, details) and (d["type"] != "missing" or d["loc"] not in meant):
            yield _fault(d, root)


def place_of(loc: Sequence[int | str]) -> str:
    """The loc as a path in the file."""
    place = ""
    for at, step in enumerate(loc):
        if isinstance(step, int):
            place += f"[{step}]"
        elif not (loc[0] == "links" and at == 2) and step != "[key]":
            place = f"{place}.{step}" if place else step
    return place


def _follows(d: ErrorDetails, details: Sequence[ErrorDetails]) -> bool:
    """Whether the complaint only comes of another one inside it or beside it."""
    if d["type"] == "too_short":
        inside = len(d["loc"])
        return any(len(e["loc"]) > inside and e["loc"][:inside] == d["loc"] for e in details)
    return d["type"] == "default_factory_not_called"


def _fault(d: ErrorDetails, root: type[BaseModel]) -> Fault:
    loc, kind, ctx = d["loc"], d["type"], d.get("ctx", {})
    place = place_of(loc)
    if kind == "extra_forbidden":
        return _unknown_key(loc, root)
    if kind == "advice":
        return Fault(place, ctx["problem"], ctx["accepted"], ctx["nearest"])
    if kind in ("literal_error", "enum"):
        return _unknown_word(place, d["input"], _words_at(loc, ctx))
    if kind == "union_tag_invalid":
        return _unknown_word(f"{place}.type", ctx["tag"], ["tcp", "rtu", "rtu-over-tcp"])
    if kind == "union_tag_not_found":
        return Fault(f"{place}.type", "is missing", "tcp, rtu, rtu-over-tcp")
    if kind in _LIMITS:
        problem, accepted = _LIMITS[kind]
        numbers = {k: float(v) if k in ("ge", "gt", "le") else v for k, v in ctx.items()}
        return Fault(place, f"{_shown(place, d['input'])}{problem}", accepted.format(**numbers))
    problem, accepted = _PLAIN.get(kind, (d["msg"], ""))
    return Fault(place, problem, accepted)


def _unknown_key(loc: Loc, root: type[BaseModel]) -> Fault:
    known = _keys_at(loc[:-1], root)
    name = str(loc[-1])
    if name.lower() in _SECRET and f"{name.lower()}_file" in known:
        return Fault(place_of(loc), "secrets are kept in files, never here", nearest=f"{name.lower()}_file")
    return Fault(place_of(loc), "unknown key", listed(known, 24), nearest(name, known))


def _unknown_word(place: str, given: Any, words: list[str]) -> Fault:
    shown = repr(given) if isinstance(given, str | int | float) else "this"
    return Fault(place, f"{shown} is not known here", listed(words), nearest(str(given), words))


def _words_at(loc: Loc, ctx: Mapping[str, Any]) -> list[str]:
    quoted = str(ctx["expected"]).replace(" or ", ", ")
    return [word.strip().strip("'") for word in quoted.split(",")]


def _shown(place: str, given: Any) -> str:
    secretive = any(word in place.lower() for word in _SECRET)
    return f"{given} " if isinstance(given, int | float) and not secretive else ""


def _keys_at(loc: Loc, root: type[BaseModel]) -> list[str]:
    """The keys that the table at `loc` may have."""
    models: list[type[BaseModel]] = [root]
    for step in loc:
        inner = [m for model in models if step in model.model_fields for m in _models(model, str(step))]
        narrowed = [model for model in models if _tag(model) == step]
        models = inner or narrowed or models
    return [key for model in models for key in model.model_fields]


def _models(model: type[BaseModel], key: str) -> list[type[BaseModel]]:
    return list(_models_in(model.model_fields[key].annotation))


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)


def _tag(model: type[BaseModel]) -> str | None:
    """The link type that a model is for."""
    field = model.model_fields.get("type")
    words = get_args(field.annotation) if field and get_origin(field.annotation) is Literal else ()
    return str(words[0]) if words else None
