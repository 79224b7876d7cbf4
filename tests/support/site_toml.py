"""A small sound site.toml to change one thing in."""

from typing import Final

SOUND: Final = """\
[site]
id = "harbour-7"
name = "Harbour Street 7"
time_zone = "Europe/Berlin"
currency = "EUR"

[[links]]
id = "net"
type = "tcp"
host = "192.0.2.11"

[[links]]
id = "bus"
type = "rtu"
path = "/dev/ttyUSB0"

[[chargers]]
id = "keba"
profile = "keba-p30"
link = "net"
failsafe_current_a = 6

[[chargers.evses]]
id = "bay-1"
label = "Bay 1"
circuit = "carpark"
max_current_a = 13.8
phases = ["L2", "L3", "L1"]

[[chargers]]
id = "wall"
profile = "heidelberg-energy-control"
link = "bus"
unit = 2

[[chargers.evses]]
id = "bay-2"
label = "Bay 2"
circuit = "carpark"
terms = "staff"
overstay = "none"

[[meters]]
id = "grid"
profile = "abb-b23"
link = "bus"
unit = 1

[[circuits]]
id = "main"
limit_a = 63
meter = "grid"
base_load_a = 12.5

[[circuits]]
id = "carpark"
parent = "main"
limit_a = 32

[terms.staff]
noshow_timeout_s = "never"
early_start_s = 600

[overstay.standard]
version = 4
basis = "CHARGE_END"
rate_per_min = "0.10"
grace_s = 900
exempt = [
  { days = ["FRI"], start = "20:00", end = "08:00" },
]
occupancy = [{ min_pct = 75, multiplier = "1.5" }, { min_pct = 0, multiplier = "1" }]
"""


def changed(old: str, new: str) -> str:
    """SOUND with its first `old` replaced; an `old` that is not there is a mistake of the test."""
    assert old in SOUND, old
    return SOUND.replace(old, new, 1)
