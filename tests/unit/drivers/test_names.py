"""The names of the drivers: said three times, fetched when first used, and each said alike."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import baywarden_drivers

HOMES = baywarden_drivers._HOMES
PACKAGE = Path(baywarden_drivers.__file__)


def imported_for_types() -> dict[str, str]:
    """The names that a type checker sees, and the module of each."""
    return {
        name.name: node.module.removeprefix("baywarden_drivers.")
        for node in ast.walk(ast.parse(PACKAGE.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("baywarden_drivers.")
        for name in node.names
    }


def test_what_is_public_what_can_be_fetched_and_what_types_see_are_the_same() -> None:
    assert set(baywarden_drivers.__all__) == set(HOMES)
    assert imported_for_types() == HOMES
    assert len(baywarden_drivers.__all__) == len(HOMES), "a name is said twice"


@pytest.mark.parametrize("name", baywarden_drivers.__all__)
def test_each_public_name_can_be_fetched_from_its_home(name: str) -> None:
    home = import_module(f"baywarden_drivers.{HOMES[name]}")
    assert getattr(baywarden_drivers, name) is getattr(home, name)


def test_a_name_that_there_is_not_is_said_so() -> None:
    with pytest.raises(AttributeError, match=r"baywarden_drivers.* has no attribute 'Charger'"):
        _ = baywarden_drivers.Charger


def test_the_package_alone_loads_nothing_and_profiles_do_not_load_the_wires() -> None:
    code = """
import sys
import baywarden_drivers
print(*(name for name in sys.modules if name.startswith(("baywarden_drivers.", "pydantic", "pymodbus", "asyncio"))))
baywarden_drivers.load_profile
print(*(name for name in sys.modules if name.startswith(("baywarden_drivers.links", "pymodbus", "asyncio"))))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split("\n") == ["", "", ""]
