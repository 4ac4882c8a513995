"""Messages of a stream that the consumers of a group share."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import redis.exceptions

from anystream.core.subscriber import Subscriber
from anystream.core.transport import Feed
from anystream.redis.acks import AckDesk
from anystream.redis.claiming import Claims
from anystream.redis.connection import RedisConnection
from anystream.redis.explaining import explained, is_group_gone
from anystream.redis.gate import Gate
from anystream.redis.group import Group
from anystream.redis.line import Line
from anystream.redis.read_ahead import ReadAhead
from anystream.redis.schemas import StreamSub
from anystream.redis.stream_feed import Entry, entries_of, raws
from anystream.redis.stream_ids import before, parts_of

NEW = ">"


class GroupFeed(Feed):
    """Reads first what this consumer has got before and not acknowledged, then what is new.

    After an outage it looks again at what the group has given it: an answer may have been lost
    on its way. After the loss of the group it makes it again, behind the last message handled.

    Args:
        connection: a connection that is up.
        subscriber: whose messages they are.
        source: how they are read.
    """

    pulls = True

    def __init__(
        self, connection: RedisConnection, subscriber: Subscriber, source: StreamSub
    ) -> None:
        self.connection = connection
        self.subscriber = subscriber
        self.source = source
        self.key = subscriber.full_address
        self.gate = Gate()
        self.ahead = ReadAhead(source, subscriber.workers)
        self.group = Group(self.key, source)
        self.claims = Claims(self.key, source)
        self.desk = AckDesk(connection, self.key, self.group.name) if source.settles else None
        self._line: Line | None = None
        self._read_new: list[bytes] = []
        self._read_count = 0
        self._seen: str | None = None  # the newest that the group gave to this consumer
        self._from = NEW  # where the next read begins
        self._hand: dict[bytes, None] = {}  # taken and not handled yet

    async def open(self) -> None:
        if self._line is not None:
            return
        with explained(self.subscriber):
            await self._connect()
            if self.desk is not None:
                try:
                    await self.desk.open()
                except BaseException:
                    await self.close()
                    raise

    async def _connect(self) -> None:
        seconds = self.source.poll_milliseconds / 1000
        line = await self.connection.dial(self.key, block=seconds)
        try:
            if self._seen is None:
                self._seen = await self.group.ensure(line)
                self._from = self._first()
            elif self.source.settles and self._from == NEW:
                self._from = self._seen  # what was sent to us meanwhile and never came
        except BaseException:
            await line.close()
            raise
        self._read_count = 0
        self._line = line
        if self.desk is not None:
            self.desk.hurry()

    def _first(self) -> str:
        if not self.source.settles or self.claims.only:
            return NEW
        if self.source.first_id != NEW:
            return self.source.first_id
        return "0-0" if self.source.resume else NEW

    async def fetch(self) -> Sequence[Any]:
        await self.gate.enter()
        try:
            if self._line is None:
                await self._connect()
                return ()
            entries = await self._next(self._line)
        except (redis.exceptions.RedisError, OSError) as error:
            await self._failed(error)
            return ()
        finally:
            self.gate.leave()
        if entries and self._hand:  # a new group, or a claim, gives what is in hand once more
            entries = [entry for entry in entries if entry[0] not in self._hand]
        for entry in entries:
            self._hand[entry[0]] = None
        return raws(self.key, entries, self.source.batch, self.desk)

    async def _next(self, line: Line) -> Sequence[Entry]:
        if self.claims.due:
            entries = await self.claims.take(line)
            if self.claims.only and not entries and self.claims.round_is_over:
                await asyncio.sleep(self.source.poll_milliseconds / 1000)
            if entries or self.claims.only:
                return entries
        if self._from != NEW:
            return await self._next_pending(line)
        count = self.ahead.count()
        if count != self._read_count:
            block = ("BLOCK", self.source.poll_milliseconds)
            self._read_new = line.pack(*self._command(count, *block), NEW)
            self._read_count = count
        await line.send(self._read_new, False)
        entries = entries_of(await line.read())
        if entries:
            self._seen = entries[-1][0].decode()
        self.ahead.took(len(entries))
        return entries

    def _command(self, count: int, *options: Any) -> tuple[Any, ...]:
        source = self.source
        no_ack = ("NOACK",) if source.no_ack else ()
        who = ("GROUP", source.group, source.consumer)
        return ("XREADGROUP", *who, "COUNT", count, *options, *no_ack, "STREAMS", self.key)

    async def _next_pending(self, line: Line) -> Sequence[Entry]:
        """What this consumer has got and not acknowledged, page by page."""
        found = entries_of(await line.ask(*self._command(self.ahead.count()), self._from))
        self._from = found[-1][0].decode() if found else NEW
        gone = [entry for entry, fields in found if fields is None]
        if gone and self.desk is not None:  # deleted from the stream: there is nothing to handle
            await self.desk.ack(gone)
        self.ahead.took(len(found))
        return [(entry, fields) for entry, fields in found if fields is not None]

    def handled(self, raw: Any) -> None:
        for entry in raw["message_ids"]:
            self._hand.pop(entry, None)

    async def _failed(self, error: Exception) -> None:
        """Makes a lost group again; else hangs up and raises."""
        line = self._line
        if line is not None and self.source.recreate is not False and is_group_gone(error):
            try:
                await self._recreate(line)
                return
            except (redis.exceptions.RedisError, OSError) as failed:
                error = failed
        self._line = None
        await self.connection.lost(line, self.key)
        with explained(self.subscriber):
            raise error

    async def _recreate(self, line: Line) -> None:
        known = [entry.decode() for entry in self._hand]
        positions = [before(min(known, key=parts_of))] if known else []
        positions += [entry for entry in (self._seen, self._from) if entry and entry != NEW]
        position = await self.group.make_again(line, min(positions, key=parts_of))
        self._seen = position if position != "$" else self._seen
        self._from = NEW
        self.connection.say(
            logging.WARNING,
            f"{self.subscriber!r}: the group {self.group.name!r} was gone and is made again behind "
            f"{position}: messages since then may come a second time, and what other consumers had "
            "not acknowledged is not pending any more",
        )

    async def pause(self) -> None:
        await self.gate.close()

    async def resume(self) -> None:
        self.gate.open()

    async def close(self) -> None:
        line, self._line = self._line, None
        if self.desk is not None:
            await self.desk.close()
        if line is not None:
            await line.close()

    @property
    def alive(self) -> bool:
        return self._line is not None and (self.desk is None or self.desk.alive)
