"""`baywarden device`: the catalogue, single devices on a link or through the daemon, and an operator's own profiles."""

from typing import Final

from baywarden_config.actions import Actions

MODULES: Final = {
    "list": "catalogue",
    "identify": "identify",
    "read": "read",
    "watch": "watch",
    "write": "write",
    "test": "trial",
    "new": "own",
    "check": "judge",
}
EXAMPLES: Final = """examples:
  baywarden device list keba
  baywarden device identify --tcp 192.0.2.7
  baywarden device read --serial /dev/ttyUSB0 --profile eastron-sdm630 --unit 1
  baywarden device watch --evse bay-1 power current_l1
  baywarden device write --tcp 192.0.2.7 --profile keba-p30 set_current_limit 10
  baywarden device test --tcp 192.0.2.7 --profile keba-p30
  baywarden device new my-box --from keba-p30
  baywarden device check /etc/baywarden/profiles/my-box.toml
"""
_ACTIONS: Final = Actions(
    __name__, "list, identify, read, write and test devices, and their profiles", MODULES, EXAMPLES
)
add_parser, run = _ACTIONS.add_parser, _ACTIONS.run
