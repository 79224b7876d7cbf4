"""What a site.toml may say but hardly means."""

from collections.abc import Iterator

from baywarden.settings.errors import Fault
from baywarden.settings.files import loose_files
from baywarden.settings.tree import STANDARD, Settings
from baywarden.settings.wires import NO_POLICY


def odd_settings(settings: Settings) -> Iterator[Fault]:
    """Everything odd, as a warning."""
    cloud = settings.cloud
    if cloud is not None:
        yield from loose_files(cloud)
        if not cloud.tls and cloud.host not in ("localhost", "127.0.0.1", "::1"):
            yield Fault("cloud.tls", f"everything goes to {cloud.host} unencrypted", "true")
    outlets = [evse for charger in settings.chargers for evse in charger.evses]
    if not outlets:
        yield Fault("chargers", "there is no charger: nothing can be booked")
    for name in sorted(settings.overstay.keys() - {evse.overstay for evse in outlets} - {NO_POLICY}):
        yield Fault(f"overstay.{name}", "no outlet uses this policy")
    for name in sorted(settings.terms.keys() - {evse.terms for evse in outlets} - {STANDARD}):
        yield Fault(f"terms.{name}", "no outlet uses these terms")
    yield from _odd_wires(settings)
    yield from _odd_circuits(settings)


def _odd_wires(settings: Settings) -> Iterator[Fault]:
    used = {charger.link for charger in settings.chargers} | {meter.link for meter in settings.meters}
    for index, link in enumerate(settings.links):
        if link.id not in used:
            yield Fault(f"links[{index}]", f"no device is on link {link.id!r}")


def _odd_circuits(settings: Settings) -> Iterator[Fault]:
    circuits = {circuit.id: circuit for circuit in settings.circuits}
    for index, circuit in enumerate(settings.circuits):
        place = f"circuits[{index}]"
        above = circuits.get(circuit.parent) if circuit.parent else None
        if above is not None and circuit.limit_a > above.limit_a:
            yield Fault(
                f"{place}.limit_a", f"{circuit.limit_a} A is more than {above.id!r} above it can give"
            )
        if above is None and circuit.meter is None and "base_load_a" not in circuit.model_fields_set:
            yield Fault(
                place, "nothing measures or states the load of others", "meter = ... or base_load_a = ..."
            )
    for index, charger in enumerate(settings.chargers):
        for inner, evse in enumerate(charger.evses):
            limit_a = circuits[evse.circuit].limit_a
            if evse.max_current_a > limit_a:
                place = f"chargers[{index}].evses[{inner}].max_current_a"
                yield Fault(
                    place,
                    f"{evse.max_current_a} A is more than circuit {evse.circuit!r} ever gives ({limit_a} A)",
                )
