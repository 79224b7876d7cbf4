"""The board on which pollers pin the newest readings, and from which each cycle takes its snapshot."""

import asyncio
from collections.abc import Iterable
from types import MappingProxyType

from baywarden.model.reading import Contact, EvseReading, MeterReading, Snapshot


class Board:
    """Newest reading of every outlet and meter. A failed poll keeps the old values with their old age."""

    def __init__(self, evse_ids: Iterable[str], meter_ids: Iterable[str]) -> None:
        self._evses = {evse_id: EvseReading(evse_id) for evse_id in evse_ids}
        self._meters = {meter_id: MeterReading(meter_id) for meter_id in meter_ids}
        self._untried = len(self._evses) + len(self._meters)
        self.all_tried = asyncio.Event()
        """Set once every device was asked, whether it answered or not."""
        self._note_tried(Contact.OK, Contact.OK)

    def pin_evse(self, reading: EvseReading) -> None:
        """Replace the reading of an outlet."""
        self._note_tried(self._evses[reading.evse_id].contact, reading.contact)
        self._evses[reading.evse_id] = reading

    def pin_meter(self, reading: MeterReading) -> None:
        """Replace the reading of a meter."""
        self._note_tried(self._meters[reading.meter_id].contact, reading.contact)
        self._meters[reading.meter_id] = reading

    def snapshot(self) -> Snapshot:
        """All readings as they are now, frozen."""
        return Snapshot(MappingProxyType(dict(self._evses)), MappingProxyType(dict(self._meters)))

    def _note_tried(self, before: Contact, after: Contact) -> None:
        if before is Contact.NEVER and after is not Contact.NEVER:
            self._untried -= 1
        if not self._untried:
            self.all_tried.set()
