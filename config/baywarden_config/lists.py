"""Prints a page of history as a table."""

from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import Any

from baywarden_config.asking import page, show
from baywarden_config.errors import DONE
from baywarden_config.layout import table

Item = Mapping[str, Any]
Columns = Mapping[str, Callable[[Item], str]]


def print_list(args: Namespace, name: str, columns: Columns, nothing: str) -> int:
    """Ask for `name` and print one row an item; `nothing` is said when there is none."""
    data = page(args, name)
    if args.json:
        show(data)
        return DONE
    rows = [[cell(item) for cell in columns.values()] for item in data["items"]]
    for line in table(list(columns), rows) if rows else [nothing]:
        print(line)
    if data["next"] is not None:
        print(f"There are more: --after {data['next']}")
    return DONE


def identity(item: Item, *keys: str) -> str:
    """The first of the keys that the item has."""
    return next((str(item[key]) for key in keys if item.get(key) is not None), "-")
