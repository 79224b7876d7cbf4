"""`baywarden policy`: what a rule would charge."""

from typing import Final

from baywarden_config.actions import Actions

EXAMPLES: Final = """examples:
  baywarden policy try --policy idle.toml --timeline evening.json
  baywarden policy try --policy late.json --timeline stay.json --booking-end 2026-05-01T15:00:00Z --json
"""
_ACTIONS: Final = Actions(__name__, "what an overstay policy would charge", {"try": "tried"}, EXAMPLES)
add_parser, run = _ACTIONS.add_parser, _ACTIONS.run
