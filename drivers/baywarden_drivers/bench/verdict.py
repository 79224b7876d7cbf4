"""What a sweep says of the wiring, in plain words, and what to do about it."""

from collections.abc import Iterator

from baywarden_drivers.bench.line import Setting
from baywarden_drivers.bench.sweep import Found, Sweep

_FEW_BYTES = 4
_MANY_ECHOES = 0.5


def wiring(sweep: Sweep) -> list[str]:
    """Sentences on one wire, the most important first."""
    if sweep.trouble and not sweep.asked:
        return [sweep.trouble]
    sentences = [*_of_devices(sweep)] if sweep.found else [*_of_nobody(sweep)]
    if sweep.trouble:
        sentences.insert(0, sweep.trouble)
    return sentences


def _of_devices(sweep: Sweep) -> Iterator[str]:
    for found in sweep.found:
        yield from _of_one(found)
    units = {found.unit for found in sweep.found}
    for unit, times in sorted(sweep.noisy_units.items()):
        if unit not in units and times:
            yield (
                f"Unit {unit}: only damaged answers, while others answer well: probably two devices have the number "
                f"{unit}. Disconnect one of them and give it another number."
            )
    if sweep.unasked_bytes > _FEW_BYTES:
        yield _other_master(sweep)
    if _hears_itself(sweep):
        yield "The adapter hears its own questions (local echo). Baywarden takes them off; nothing has to be done."
    settings = {found.setting for found in sweep.found if found.setting is not None}
    if len(settings) > 1:
        told = ", ".join(str(one) for one in sorted(settings, key=lambda one: one.baud))
        yield f"Devices answer at different settings ({told}): one line needs one setting, change them to the same."
    if not any(found.damaged or found.lost or found.crowded for found in sweep.found) and len(settings) < 2:
        yield "The wiring is sound: every repeated question was answered whole."


def _of_one(found: Found) -> Iterator[str]:
    if found.crowded:
        yield (
            f"Unit {found.unit}: {found.crowded} of {found.checks} answers have another one behind them: two devices "
            f"have the number {found.unit}. Disconnect one and give it another number."
        )
    elif found.damaged:
        yield (
            f"Unit {found.unit}: {found.damaged} of {found.checks} answers came damaged: look at the termination "
            "(120 ohm at both ends, nowhere else), the shield, the length of stubs, and a common ground (C)."
        )
    elif found.lost:
        yield (
            f"Unit {found.unit}: {found.lost} of {found.checks} repeated questions had no answer: it is slow (a longer "
            "--timeout-ms tells), another master asks it too, or the line loses bytes."
        )


def _of_nobody(sweep: Sweep) -> Iterator[str]:
    if sweep.hung_up:
        yield (
            "The port takes connections and hangs up instead of an answer "
            f"({sweep.hung_up} of {sweep.asked} questions): mostly another master has the only connection that the "
            "device allows; else it is no Modbus, or it does not let this machine in."
        )
        return
    if not sweep.settings:  # a TCP port
        yield (
            "The port takes connections, but no unit answers: is it Modbus, is Modbus switched on in the device, and "
            "is the unit number among those tried (--units)?"
        )
        return
    if sweep.unasked_bytes > _FEW_BYTES:
        yield _other_master(sweep)
        return
    noise = sum(sweep.noises.values())
    if noise:
        yield from _garbled(sweep, noise)
    elif _hears_itself(sweep):
        yield (
            "Only our own questions came back (local echo), and no answer: the adapter works, the devices are not "
            "heard. Swap A and B, look whether the devices have power, and whether the unit numbers are right."
        )
    else:
        yield (
            f"Silence at all {len(sweep.settings)} settings. Most often A and B are swapped: swap them and scan again. "
            "Else: no power at the device, Modbus switched off in its menu, a unit number that was not tried "
            "(--units 1-247), a speed that was not tried (--setting), or a broken wire."
        )


def _garbled(sweep: Sweep, noise: int) -> Iterator[str]:
    places = ", ".join(f"{setting} ({times})" for setting, times in sorted(sweep.noises.items()))
    yield (
        f"Bytes came {noise} times, but never a whole answer: at {places}. Something is there. Either its speed or "
        "parity is another one (--setting; look into its menu), or two devices have the same number, "
        "or A and B are swapped on a line with bias resistors."
    )


def _hears_itself(sweep: Sweep) -> bool:
    return sweep.asked > 0 and sweep.echoes / sweep.asked >= _MANY_ECHOES


def _other_master(sweep: Sweep) -> str:
    return (
        f"{sweep.unasked_bytes} bytes came that nobody had asked for: another master talks on this line (or it is not "
        "Modbus). A line has one master: disconnect the other one."
    )


def told(setting: Setting) -> list[str]:
    """The setting as lines of a link in site.toml."""
    return [f"baud = {setting.baud}", f'parity = "{setting.parity}"', f"stop_bits = {setting.stop_bits}"]
