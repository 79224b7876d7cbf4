"""Whatever happens, numbers have no gap, no number is given twice and no event changes."""

import shutil
import sqlite3
import tempfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from baywarden.model.event import EventDraft, Stream
from baywarden.ports.store import Batch
from baywarden.store import upkeep
from baywarden.store.connect import open_writer
from baywarden.store.files import Files
from baywarden.store.numbering import Numbering
from baywarden.store.reading import Reader
from baywarden.store.recovery import Opening, find_ledger
from baywarden.store.schema import LEDGER, migrate
from baywarden.store.writing import Writer
from support.books import AT, draft, render

STREAMS = st.sampled_from((Stream.BOOKING, Stream.METER, Stream.PENALTY))


def fails_on_poison(event: EventDraft, epoch: int, seq: int, recorded_at: datetime) -> bytes:
    if event.subject == "poison":
        raise ValueError("poison")
    return render(event, epoch, seq, recorded_at)


def test_a_number_freed_while_the_heads_are_read_again_stays_freed(tmp_path: Path) -> None:
    with closing(open_writer(tmp_path / "l.db", synchronous="FULL", max_bytes=2**24)) as connection:
        migrate(connection, "ledger", LEDGER)
        numbering = Numbering(connection, 1, render)
        writer = Writer(connection, numbering, lambda: AT)
        assert writer.commit_all([Batch(drafts=(draft(),) * 3)]) == [None]
        numbering.freed(Stream.BOOKING, 2)
        numbering.reread()
        assert numbering.heads[Stream.BOOKING].acked_seq == 2


class Outbox(RuleBasedStateMachine):
    """A ledger beside what it should hold: per stream, the payloads given and how many were freed."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.given: dict[Stream, list[bytes]] = {stream: [] for stream in Stream}
        self.freed: dict[Stream, int] = dict.fromkeys(Stream, 0)
        self.dropped: dict[Stream, int] = dict.fromkeys(Stream, 0)
        self.open()

    def open(self) -> None:
        opening = Opening(Files(self.folder), "north", 2**26, {}, lambda: datetime.now(UTC))
        found = find_ledger(opening)
        assert (found.epoch, found.notes) == (1, ())
        self.connection = found.connection
        numbering = Numbering(found.connection, found.epoch, fails_on_poison)
        self.writer, self.heads = Writer(found.connection, numbering, lambda: AT), numbering.heads

    @rule(batches=st.lists(st.lists(STREAMS, max_size=4), min_size=1, max_size=3))
    def commit(self, batches: list[list[Stream]]) -> None:
        work = [Batch(drafts=tuple(draft(stream) for stream in streams)) for streams in batches]
        assert self.writer.commit_all(work) == [None] * len(work)
        for streams in batches:
            self.note(streams)

    @rule(streams=st.lists(STREAMS, min_size=1, max_size=4), good=st.lists(STREAMS, max_size=3))
    def commit_beside_a_failing_one(self, streams: list[Stream], good: list[Stream]) -> None:
        poison = Batch(drafts=(*(draft(stream) for stream in streams), draft(Stream.AUDIT, "poison")))
        outcomes = self.writer.commit_all([poison, Batch(drafts=tuple(draft(stream) for stream in good))])
        assert isinstance(outcomes[0], ValueError)
        assert outcomes[1] is None
        self.note(good)

    def note(self, streams: list[Stream]) -> None:
        for stream in streams:
            seq = len(self.given[stream]) + 1
            self.given[stream].append(render(draft(stream), 1, seq, AT))

    @rule(stream=STREAMS, share=st.floats(0, 1.3))
    def free(self, stream: Stream, share: float) -> None:
        seq = int(len(self.given[stream]) * share)
        self.writer.numbering.freed(stream, seq)
        if seq <= len(self.given[stream]):
            self.freed[stream] = max(self.freed[stream], seq)

    @rule()
    def write_what_was_freed(self) -> None:
        self.writer.write_freed()

    @rule()
    def prune(self) -> None:
        for step in upkeep.steps(self.writer, None, keep_days=30, max_bytes=0):  # every byte is too many
            while step():
                pass
        for stream in Stream:
            unsent_goes = stream in (Stream.METER, Stream.STATUS)
            self.dropped[stream] = len(self.given[stream]) if unsent_goes else self.freed[stream]

    @rule(is_clean=st.booleans())
    def reopen(self, is_clean: bool) -> None:
        if is_clean:
            self.writer.write_freed()
        self.connection.close()
        self.open()
        for stream, head in self.heads.items():
            assert head.acked_seq == self.freed[stream] if is_clean else head.acked_seq <= self.freed[stream]
            self.freed[stream] = head.acked_seq

    @invariant()
    def all_is_as_it_should_be(self) -> None:
        if not hasattr(self, "writer"):
            return
        reader = Reader(self.connection)
        for stream, head in self.heads.items():
            given, dropped = self.given[stream], self.dropped[stream]
            assert (head.last_seq, head.acked_seq, head.oldest_seq) == (
                len(given),
                self.freed[stream],
                dropped + 1,
            )
            events = reader.events(stream, 1, 1, 10**9, 10**9)
            assert [event.seq for event in events] == list(range(dropped + 1, len(given) + 1))
            assert [event.payload for event in events] == given[dropped:]

    def teardown(self) -> None:
        if hasattr(self, "connection"):
            self.connection.close()
            assert sqlite3.connect(self.folder / "ledger.db").execute("PRAGMA quick_check").fetchone() == (
                "ok",
            )
            shutil.rmtree(self.folder)


TestOutbox = Outbox.TestCase
TestOutbox.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
