"""Baywarden: the daemon that wards the charging bays of one site."""

from typing import Final

__version__: Final = "0.1.0"
