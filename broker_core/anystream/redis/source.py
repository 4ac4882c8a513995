"""What a subscriber reads, and its name as Redis sees it."""

from __future__ import annotations

from dataclasses import dataclass

from anystream.redis.globs import redis_template
from anystream.redis.parser import MessageFormat
from anystream.redis.schemas import ListSub, PubSub, StreamSub


@dataclass(frozen=True)
class RedisSource:
    """What a subscriber reads.

    Args:
        what: the channel, list or stream.
        message_format: takes payloads apart; None for the broker's.
    """

    what: PubSub | ListSub | StreamSub
    message_format: type[MessageFormat] | None = None

    @property
    def kind(self) -> str:
        """`channel`, `list` or `stream`."""
        return self.what.kind

    @property
    def group(self) -> str:
        """The consumer group, empty without one."""
        return (self.what.group or "") if isinstance(self.what, StreamSub) else ""

    @property
    def queue(self) -> str:
        """The group, as the core calls it: of its members one gets each message."""
        return self.group

    def __str__(self) -> str:
        return self.what.address


def wire_channel(address: str, source: PubSub) -> tuple[str, bool]:
    """The channel for the server, and whether it is a pattern.

    Args:
        address: the channel with the prefixes of its routers, which may hold `{name}` parts too.
        source: as declared.
    """
    wire = redis_template(address).wire
    return wire, source.pattern or "*" in wire
