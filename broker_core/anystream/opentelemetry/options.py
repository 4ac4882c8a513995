"""What an OpenTelemetry middleware can be told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypedDict

from opentelemetry.metrics import Meter, MeterProvider
from opentelemetry.trace import TracerProvider

from anystream.core.observed import ConsumeAttrs


class TelemetryOptions(TypedDict, total=False):
    """Keyword arguments of OpenTelemetry middlewares.

    Keys:
        tracer_provider: makes the tracer; the global provider by default.
        meter_provider: makes the meter; the global provider by default.
        meter: the meter itself.
        include_messages_counters: whether messages are counted, besides how long they take; True
            by default, False with RabbitMQ.
    """

    tracer_provider: TracerProvider | None
    meter_provider: MeterProvider | None
    meter: Meter | None
    include_messages_counters: bool


class TelemetrySettingsProvider(Protocol):
    """What the middleware asks about a broker's messages and commands."""

    @property
    def system(self) -> str:
        """The value of `messaging.system`."""
        ...

    @property
    def published_to(self) -> Callable[[Any], str]:
        """The address that a command goes to, for names of spans."""
        ...

    @property
    def consume_attributes(self) -> Callable[[Any], dict[str, Any]]:
        """Attributes of a `process` span besides the common ones."""
        ...

    @property
    def publish_attributes(self) -> Callable[[Any], dict[str, Any]]:
        """Attributes of a `publish` span besides the common ones."""
        ...

    def consumed(self, message: Any) -> ConsumeAttrs | None:
        """What is measured of a message; None when it gets no span."""
        ...
