"""`baywarden bus`: what is on a wire, what it can carry, and what is said on it."""

from typing import Final

from baywarden_config.actions import Actions

EXAMPLES: Final = """examples:
  baywarden bus scan /dev/serial/by-id/usb-FTDI_FT232R-if00-port0
  baywarden bus scan --tcp 192.0.2.7 --tcp 192.0.2.8:1502
  baywarden bus budget --config site.toml
  baywarden bus budget --serial 9600/8N1 eastron-sdm630=12
  baywarden bus trace bus --out bus.trace --for 60s
  baywarden bus replay bus.trace --tcp 1502
"""
_ACTIONS: Final = Actions(
    __name__,
    "find devices on a wire, weigh its load, record and replay it",
    {name: name for name in ("scan", "budget", "trace", "replay")},
    EXAMPLES,
)
add_parser, run = _ACTIONS.add_parser, _ACTIONS.run
