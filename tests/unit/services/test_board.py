"""The board keeps the newest reading and knows who was asked."""

from baywarden.model.reading import Contact, EvseReading, MeterReading
from baywarden.services.board import Board


async def test_a_snapshot_does_not_change_when_a_newer_reading_is_pinned() -> None:
    board = Board(["bay-1"], [])
    before = board.snapshot()
    board.pin_evse(EvseReading("bay-1", Contact.OK, power_w=100))
    assert before.evses["bay-1"].power_w is None
    assert board.snapshot().evses["bay-1"].power_w == 100


async def test_the_site_was_tried_only_when_every_device_was() -> None:
    board = Board(["bay-1"], ["grid"])
    board.pin_evse(EvseReading("bay-1", Contact.SILENT))
    assert not board.all_tried.is_set()
    board.pin_meter(MeterReading("grid", Contact.OK))
    assert board.all_tried.is_set()
