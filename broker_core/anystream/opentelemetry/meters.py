"""How long messages take, and how many there are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from weakref import WeakKeyDictionary

from opentelemetry.context import Context
from opentelemetry.metrics import CallbackOptions, Meter, Observation

Attributes = dict[str, Any]


class Count:
    """How many messages one address had."""

    __slots__ = ("attributes", "number")

    def __init__(self, attributes: Attributes) -> None:
        self.attributes = attributes
        self.number = 0


# A meter makes a counter that is asked for its value once and ignores those who ask again: so all
# that count under one name are counted together.
_counted: WeakKeyDictionary[Meter, dict[str, list[Count]]] = WeakKeyDictionary()


def _counts(meter: Meter, verb: str) -> list[Count]:
    """The counts behind a counter of messages. A number is added for each message and read when
    metrics are exported, which costs a message a tenth of telling the meter each time."""
    known = _counted.setdefault(meter, {})
    if verb not in known:
        counts = known[verb] = []

        def observe(_: CallbackOptions) -> Iterable[Observation]:
            totals: dict[tuple[Any, ...], Observation] = {}
            for each in list(counts):
                key = tuple(each.attributes.items())
                before = totals[key].value if key in totals else 0
                totals[key] = Observation(before + each.number, each.attributes)
            return totals.values()

        meter.create_observable_counter(
            f"messaging.{verb}.messages",
            [observe],
            unit="message",
            description="How many messages",
        )
    return known[verb]


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
        self._counts = _counts(meter, verb) if counters else None
        self._system = system
        self._key = key
        self._known: dict[str, Count] = {}

    def _made(self, address: str) -> Count:
        made = self._known[address] = Count({"messaging.system": self._system, self._key: address})
        if self._counts is not None:
            self._counts.append(made)
        return made

    def note(
        self,
        address: str,
        seconds: float,
        count: int,
        error: BaseException | None,
        context: Context,
    ) -> None:
        """Records one message or batch.

        Args:
            address: the whole destination.
            seconds: how long it took.
            count: how many messages that was.
            error: how it failed, if it did.
            context: has the span, which the SDK may take as an example of how long it takes.
        """
        known = self._known.get(address) or self._made(address)
        known.number += count
        attributes = known.attributes
        if error is not None:
            attributes = {**attributes, "error.type": type(error).__name__}
        self._duration.record(seconds, attributes, context)
