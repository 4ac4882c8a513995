"""Messages of a stream, read by one reader without a group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import redis.exceptions

from anystream.core.subscriber import Subscriber
from anystream.core.transport import Feed
from anystream.redis.connection import RedisConnection
from anystream.redis.explaining import explained
from anystream.redis.gate import Gate
from anystream.redis.line import Line
from anystream.redis.message import StreamEntries
from anystream.redis.read_ahead import MOST
from anystream.redis.schemas import StreamSub
from anystream.redis.stream_ids import parts_of

Entry = tuple[bytes, Any]


class StreamFeed(Feed):
    """Reads on behind the last message that it has seen; an outage leaves no gap.

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
        self._line: Line | None = None
        self._last = source.first_id

    async def open(self) -> None:
        if self._line is None:
            with explained(self.subscriber):
                await self._connect()

    async def _connect(self) -> None:
        seconds = self.source.poll_milliseconds / 1000
        line = await self.connection.dial(self.key, block=seconds)
        try:
            if self._last == "$":  # from now on, also when the connection breaks meanwhile
                newest = await line.ask("XREVRANGE", self.key, "+", "-", "COUNT", 1)
                self._last = newest[0][0].decode() if newest else "0-0"
            elif await stream_end(line, self.key) < parts_of(self._last):
                self._last = "0-0"  # the stream is a new one
        except BaseException:
            await line.close()
            raise
        self._line = line

    async def fetch(self) -> Sequence[Any]:
        await self.gate.enter()
        try:
            if self._line is None:
                await self._connect()
                return ()
            entries = await self._read(self._line)
        except (redis.exceptions.RedisError, OSError) as error:
            line, self._line = self._line, None
            await self.connection.lost(line, self.key)
            with explained(self.subscriber):
                raise error
        finally:
            self.gate.leave()
        return raws(self.key, entries, self.source.batch, None)

    async def _read(self, line: Line) -> Sequence[Entry]:
        limit, block = self.source.max_records or MOST, self.source.poll_milliseconds
        command = ("XREAD", "COUNT", limit, "BLOCK", block, "STREAMS", self.key, self._last)
        entries = entries_of(await line.ask(*command))
        if entries:
            self._last = entries[-1][0].decode()
        return entries

    async def pause(self) -> None:
        await self.gate.close()

    async def resume(self) -> None:
        self.gate.open()

    async def close(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            await line.close()

    @property
    def alive(self) -> bool:
        return self._line is not None


def entries_of(answer: Any) -> Sequence[Entry]:
    """The entries in the answer to XREAD or XREADGROUP of one stream."""
    return answer[0][1] if answer else ()


def raws(key: str, entries: Sequence[Entry], batch: bool, desk: Any) -> Sequence[Any]:
    """The native messages of entries; a batch is one."""
    if not entries:
        return ()
    if batch:
        ids, data = [entry[0] for entry in entries], [fields_of(entry[1]) for entry in entries]
        return (_raw("bstream", key, ids, data, desk),)
    return [_raw("stream", key, [entry], fields_of(pairs), desk) for entry, pairs in entries]


def _raw(kind: str, key: str, ids: list[bytes], data: Any, desk: Any) -> StreamEntries:
    raw = StreamEntries(type=kind, channel=key, message_ids=ids, data=data)
    raw.desk = desk
    return raw


def fields_of(pairs: Sequence[bytes]) -> dict[bytes, bytes]:
    """The fields of an entry, which come as names and values in turn."""
    if len(pairs) == 2:
        return {pairs[0]: pairs[1]}
    return dict(zip(pairs[::2], pairs[1::2], strict=True))


async def stream_end(line: Line, key: str) -> tuple[int, int]:
    """The id that was given last in a stream; `(0, 0)` if there is no such stream."""
    try:
        found = await line.ask("XINFO", "STREAM", key)
    except redis.exceptions.ResponseError as error:
        if "no such key" in str(error):
            return (0, 0)
        raise
    info = dict(zip(found[::2], found[1::2], strict=True))
    return parts_of(info[b"last-generated-id"])
