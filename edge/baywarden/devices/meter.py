"""One energy meter as the site sees it."""

from dataclasses import replace

from baywarden.devices.contact import contact_of
from baywarden.devices.decided import Decided
from baywarden.devices.units import phases_ma, power_w, whole
from baywarden.model.reading import Contact, MeterReading
from baywarden.ports.clock import Clock
from baywarden_drivers import Device, DeviceError


class ModbusMeter:
    """Implements ports.wire.Meter on a driver's device."""

    def __init__(self, device: Device, meter_id: str, *, clock: Clock) -> None:
        self.meter_id = meter_id
        self._device = device
        self._clock = clock
        self._decided = Decided(device)
        self._reading = MeterReading(meter_id)

    async def poll(self) -> MeterReading:
        """Read it once; when it cannot be heard the old values stay with their old age."""
        try:
            poll = await self._device.poll()
        except DeviceError as error:
            self._reading = replace(self._reading, contact=contact_of(error), contact_reason=str(error))
            return self._reading
        self._reading = MeterReading(
            self.meter_id,
            contact=Contact.OK,
            contact_reason="; ".join(poll.faults),
            read_mono_ms=self._clock.now().mono_ms,
            current_ma=phases_ma(poll, self._device.profile),
            power_w=power_w(poll),
            energy_wh=whole(poll, "energy_total"),
            decisions=self._decided.now(),
        )
        return self._reading
