"""What a subscriber or publisher was declared with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from anystream.core.subscriber import Subscriber
from anystream.redis.schemas import ListSub, PubSub, StreamSub

_NAMES = {"channel": "channel", "list": "list_name", "stream": "stream"}


def schema_of(owner: Any, what: PubSub | ListSub | StreamSub, kind: str, address: str) -> Any:
    """The schema of a declaration, with the prefixes of its routers.

    Args:
        owner: who was declared with it, for the message.
        what: the schema as declared.
        kind: the kind that is asked for.
        address: the full name.

    Raises:
        AttributeError: it is of another kind.
    """
    if what.kind != kind:
        raise AttributeError(f"{owner!r} is declared with a {what.kind}: it has no {kind}")
    name: dict[str, Any] = {_NAMES[kind]: address}
    return replace(what, **name)


class RedisSubscriber(Subscriber):
    """Reads one channel, list or stream; see `Subscriber`.

    `channel`, `list_sub` and `stream_sub` have the prefixes of its routers. Only the one it was
    declared with is there, the others raise `AttributeError`.
    """

    @property
    def channel(self) -> PubSub:
        """The channel that it reads."""
        found: PubSub = self._schema("channel")
        return found

    @property
    def list_sub(self) -> ListSub:
        """The list that it reads."""
        found: ListSub = self._schema("list")
        return found

    @property
    def stream_sub(self) -> StreamSub:
        """The stream that it reads."""
        found: StreamSub = self._schema("stream")
        return found

    def _schema(self, kind: str) -> Any:
        return schema_of(self, self.source.what, kind, self.full_address)
