"""Values that travel with a trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from opentelemetry import baggage
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from typing_extensions import Self

from anystream.opentelemetry.carrier import HEADERS

if TYPE_CHECKING:
    from anystream.core.message import StreamMessage

_WIRE = W3CBaggagePropagator()


class Baggage:
    """Values that came with a message; what a handler publishes takes them along.

    Args:
        payload: names and values; of a batch, those of all its messages.
        batch_payload: of a batch, those of each message.
    """

    def __init__(
        self,
        payload: Mapping[str, Any],
        batch_payload: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        self._payload = dict(payload)
        self._batch = [dict(item) for item in batch_payload] if batch_payload else []

    def get_all(self) -> dict[str, Any]:
        """All values; of a batch, merged: the last message's value of a name counts."""
        return dict(self._payload)

    def get_all_batch(self) -> list[dict[str, Any]]:
        """The values of each message of a batch; empty without one."""
        return [dict(item) for item in self._batch]

    def get(self, key: str) -> Any | None:
        """A value, or None."""
        return self._payload.get(key)

    def set(self, key: str, value: Any) -> None:
        """Sets a value for what is published from now on."""
        self._payload[key] = value

    def remove(self, key: str) -> None:
        """Forgets a value; one that is not there is no error."""
        self._payload.pop(key, None)

    def clear(self) -> None:
        """Forgets all values."""
        self._payload.clear()

    def in_context(self, context: Context) -> Context:
        """A context with these values instead of its own."""
        return self.added_to(baggage.clear(context))

    def added_to(self, context: Context) -> Context:
        """A context with these values besides its own."""
        for key, value in self._payload.items():
            context = baggage.set_baggage(key, value, context)
        return context

    def to_headers(self, headers: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """These values as the header `baggage`, added to other headers."""
        carrier = dict(headers or {})
        _WIRE.inject(carrier, self.in_context(Context()))
        return carrier

    @classmethod
    def from_headers(cls, headers: Mapping[str, Any]) -> Self:
        """The values that headers bring."""
        return cls(_read(headers))

    @classmethod
    def from_msg(cls, msg: StreamMessage[Any]) -> Self:
        """The values that came with a message, or with the messages of a batch."""
        if not msg.batch_headers:
            return cls.from_headers(msg.headers)
        items = [_read(headers) for headers in msg.batch_headers]
        return cls({key: value for item in items for key, value in item.items()}, items)

    def __repr__(self) -> str:
        return f"Baggage({self._payload!r})"


def _read(headers: Mapping[str, Any]) -> dict[str, Any]:
    if "baggage" not in headers:
        return {}
    return dict(baggage.get_all(_WIRE.extract(headers, Context(), HEADERS)))
