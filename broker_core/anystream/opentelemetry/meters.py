"""How long messages take, and how many there are."""

from __future__ import annotations

from typing import Any

from opentelemetry.metrics import Meter


class Meters:
    """The instruments of one direction.

    Args:
        meter: makes them.
        verb: `process` or `publish`.
        system: the messaging system.
        key: the attribute that has the address.
        counters: whether messages are counted.
    """

    def __init__(self, meter: Meter, verb: str, system: str, key: str, *, counters: bool) -> None:
        self._duration = meter.create_histogram(
            f"messaging.{verb}.duration", unit="s", description=f"How long {verb} takes"
        )
        self._messages = (
            meter.create_counter(
                f"messaging.{verb}.messages", unit="message", description="How many messages"
            )
            if counters
            else None
        )
        self._system = system
        self._key = key
        self._known: dict[str, dict[str, Any]] = {}

    def note(self, address: str, seconds: float, count: int, error: BaseException | None) -> None:
        """Records one message or batch.

        Args:
            address: the whole destination.
            seconds: how long it took.
            count: how many messages that was.
            error: how it failed, if it did.
        """
        attributes = self._known.get(address)
        if attributes is None:
            attributes = self._known[address] = {
                "messaging.system": self._system,
                self._key: address,
            }
        if error is None:
            self._duration.record(seconds, attributes)
        else:
            self._duration.record(seconds, {**attributes, "error.type": type(error).__name__})
        if self._messages is not None:
            self._messages.add(count, attributes)
