"""Where requests come in: commands go to the brain, questions of the technician are answered from what is known."""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from baywarden.control.wire import ControlRequest
from baywarden.model.command import Command, Door, Reason, Reply, Result
from baywarden.ports.clock import Clock
from baywarden.ports.store import Archive, Ledger, Leftovers, Outbox, Parking, StoreError
from baywarden.ports.wire import WireError, WrongRequest
from baywarden.services.bench import Workbench, device_questions
from baywarden.services.board import Board
from baywarden.services.brain import Brain
from baywarden.services.parking import parked_report, parking_questions, stream_of
from baywarden.services.questions import WrongParams, only, whole
from baywarden.services.report import site_report, stream_report, token_report
from baywarden.services.steward import Steward
from baywarden.sync.commands import parse_command, reply_object
from baywarden.sync.drafts import token_end
from baywarden.sync.errors import CommandRefused

_log: Final = logging.getLogger(__name__)

MAX_PAGE: Final = 500


class Books(Ledger, Outbox, Leftovers, Parking, Archive, Protocol):
    """The store as the doors use it."""

    def stats(self) -> Mapping[str, Any]: ...


class Doors:
    """Both doors end here; only the local one may ask for lists and status."""

    def __init__(
        self, brain: Brain, steward: Steward, board: Board, books: Books, *, clock: Clock, version: str
    ) -> None:
        self._brain = brain
        self._steward = steward
        self._board = board
        self._books = books
        self._clock = clock
        self._version = version
        self.broker: Callable[[], Mapping[str, Any]] = lambda: {
            "connected": False,
            "reason": "no [cloud] is configured",
        }
        self.parked_changed: Callable[[], None] = lambda: None
        """Told when a parked event was released."""
        self._links: Callable[[], Sequence[Mapping[str, Any]]] = tuple
        self._questions: dict[str, Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]] = {
            "status": self._status,
            "bookings.list": lambda params: self._page("bookings", params),
            "sessions.list": lambda params: self._page("sessions", params),
            "penalties.list": lambda params: self._page("penalties", params),
            "notices.list": lambda params: self._page("notices", params),
            "events.list": self._events,
            "tokens.list": self._tokens,
            **parking_questions(books, self._released),
        }

    def _released(self) -> None:
        self.parked_changed()

    def open_bench(self, workbench: Workbench) -> None:
        """Answer questions about single devices and links too."""
        self._links = workbench.links
        self._questions |= device_questions(workbench)

    async def cloud(self, command: Command) -> Reply:
        """A command that came by MQTT."""
        return await self._brain.command(command)

    async def local(self, request: ControlRequest) -> Mapping[str, Any]:
        """A request on the control socket; always an answer, whatever was asked."""
        question = self._questions.get(request.name)
        if question is None:
            return reply_object(await self._command(request))
        try:
            return reply_object(Reply(request.id, Result.ACCEPTED, data=await question(request.params)))
        except (WrongParams, WrongRequest) as fault:
            return reply_object(Reply(request.id, Result.REJECTED, Reason.INVALID, str(fault)))
        except (StoreError, WireError) as error:
            return reply_object(Reply(request.id, Result.FAILED, Reason.FAILED, str(error)))

    async def _command(self, request: ControlRequest) -> Reply:
        try:
            now = self._clock.now()
            command = parse_command(request.name, request.payload(), door=Door.LOCAL, now=now)
            return await self._brain.command(command)
        except CommandRefused as refused:
            return refused.reply() or Reply(request.id, Result.REJECTED, refused.reason, refused.detail)
        except StoreError as error:
            return Reply(request.id, Result.FAILED, Reason.FAILED, str(error))

    async def _status(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        only(params)
        now = self._clock.now()
        heads = await self._books.heads()
        return {
            **site_report(self._brain, self._steward, self._board.snapshot(), now),
            "version": self._version,
            "epoch": max((head.epoch for head in heads), default=None),
            "links": list(self._links()),
            "broker": self.broker(),
            "streams": [stream_report(head) for head in heads],
            "parked": await parked_report(self._books),
            "store": {**self._books.stats(), "refuses": self._brain.store_refuses},
        }

    async def _page(self, what: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        only(params, "after", "limit", "where")
        after, where = params.get("after"), params.get("where") or {}
        if after is not None and not isinstance(after, str):
            raise WrongParams("after: must be the `next` of the page before")
        if not isinstance(where, dict) or not all(isinstance(value, str) for value in where.values()):
            raise WrongParams('where: must be an object of texts like {"evse_id": "bay-1"}')
        try:
            items, more = await self._books.history(what, after=after, limit=_limit(params), where=where)
        except ValueError as error:
            raise WrongParams(str(error)) from error
        except OverflowError:  # SQLite's integers end where JSON's go on
            raise WrongParams(f"after: {after!r} is not the cursor of a page") from None
        return {"items": [_without_code(item) for item in items], "next": more}

    async def _tokens(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Tokens are personal: the last four characters must do."""
        only(params, "from", "limit")
        first, limit = whole(params, "from") if "from" in params else 0, _limit(params)
        tokens = self._brain.state.tokens
        rest = [*tokens.tokens.values()][first:]
        items = [
            {
                "token_end": token_end(token.uid),
                "type": token.type.value,
                "group_id": token.group_id,
                "valid": token.valid,
                "whitelist": token.whitelist.value,
            }
            for token in rest[:limit]
        ]
        more = first + limit if len(rest) > limit else None
        return {**token_report(tokens), "items": items, "next": more}

    async def _events(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        only(params, "stream", "epoch", "from_seq", "to_seq", "limit")
        stream = stream_of(params)
        epoch, first, last = (whole(params, key) for key in ("epoch", "from_seq", "to_seq"))
        events = await self._books.replay(stream, epoch, first, last, _limit(params))
        return {"events": [{"seq": event.seq, "payload": json.loads(event.payload)} for event in events]}


def _without_code(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """A booking's code is its holder's alone."""
    return {key: value for key, value in item.items() if key != "code"}


def _limit(params: Mapping[str, Any]) -> int:
    limit = params.get("limit", 100)
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= MAX_PAGE:
        raise WrongParams(f"limit: must be a whole number from 1 to {MAX_PAGE}")
    return limit
