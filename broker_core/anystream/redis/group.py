"""A consumer group at the server."""

from __future__ import annotations

import redis.exceptions

from anystream.redis.line import Line
from anystream.redis.schemas import StreamSub
from anystream.redis.stream_feed import stream_end
from anystream.redis.stream_ids import parts_of


class Group:
    """Makes it, and says how far it has come.

    Args:
        key: the stream.
        source: its names, and where it begins.
    """

    def __init__(self, key: str, source: StreamSub) -> None:
        self.key = key
        self.source = source
        self.name = source.group or ""

    async def ensure(self, line: Line) -> str:
        """Makes the group if there is none; returns the id that it was delivered up to."""
        await self._make(line, self.source.new_group_id)
        for found in await line.ask("XINFO", "GROUPS", self.key):
            info = dict(zip(found[::2], found[1::2], strict=True))
            if info[b"name"] == self.name.encode():
                last: bytes = info[b"last-delivered-id"]
                return last.decode()
        return "0-0"

    async def make_again(self, line: Line, position: str) -> str:
        """Makes a lost group behind an id; returns where it begins."""
        if isinstance(self.source.recreate, str):
            position = self.source.recreate
        elif await stream_end(line, self.key) < parts_of(position):
            position = "0-0"  # the stream was lost as well: all of the new one is new
        await self._make(line, position)
        return position

    async def _make(self, line: Line, position: str) -> None:
        command = ["XGROUP", "CREATE", self.key, self.name, position]
        if self.source.declare:
            command.append("MKSTREAM")
        try:
            await line.ask(*command)
        except redis.exceptions.ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):  # it is there, or another was quicker
                raise
