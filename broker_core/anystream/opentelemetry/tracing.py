"""Where spans come from, and what they are called."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from opentelemetry import baggage, trace
from opentelemetry.context import Context, get_current
from opentelemetry.trace import (
    Link,
    ProxyTracer,
    Span,
    SpanKind,
    Tracer,
    get_current_span,
    set_span_in_context,
)

from anystream.core.context import Frame
from anystream.core.observed import ConsumeAttrs, nothing
from anystream.core.sentinel import EMPTY
from anystream.opentelemetry.baggage import Baggage
from anystream.opentelemetry.carrier import NOTHING, extracted, injected, origin_of, plain_origin
from anystream.opentelemetry.options import TelemetrySettingsProvider

if TYPE_CHECKING:
    from anystream.core.context import ContextRepo

# the span, the context that the message came with, and what travels
Begun: TypeAlias = tuple[Span, Context, Baggage | None]

OPERATION = "messaging.operation"
COUNT = "messaging.batch.message_count"
WITH_BATCH = "with_batch"  # baggage of what was published several at once


class Consuming(Frame):
    """The message in hand, as traces see it: the context's link with `span` and `baggage`.

    Args:
        repo: the context of the broker.
        span: its `process` span.
        origin: the context that it came with, and that what is published for it takes along.
        baggage: the values that travel; None for none, as long as nobody asks for them.
        outer: the context's next link.
    """

    __slots__ = ("_baggage", "_carrier", "origin", "span")

    def __init__(
        self, repo: ContextRepo, span: Span, origin: Context, values: Baggage | None, outer: Any
    ) -> None:
        self.repo = repo
        self.outer = outer
        self.span = span
        self.origin = origin
        self._baggage = values
        self._carrier: dict[str, str] | None = None

    def find(self, key: str) -> Any:
        """The span, or the baggage."""
        if key == "span":
            return self.span
        return self.baggage if key == "baggage" else EMPTY

    def names(self) -> tuple[str, ...]:
        """What it has values for."""
        return ("span", "baggage")

    @property
    def baggage(self) -> Baggage:
        """The values that travel."""
        if self._baggage is None:
            self._baggage = Baggage({})
        return self._baggage

    def headers(self, *, batch: bool) -> Mapping[str, str]:
        """What a published message gets so that its trace goes on."""
        if batch or (self._baggage is not None and self._baggage.get_all()):
            context = self.baggage.in_context(self.origin)
            # the mark of a batch is not for what is published alone
            marked = mark_batch if batch else partial(baggage.remove_baggage, WITH_BATCH)
            return injected(marked(context))
        if self._carrier is None:
            self._carrier = injected(baggage.clear(self.origin))
        return self._carrier


# The message that is being handled, whatever broker it is from.
in_hand: ContextVar[Consuming | None] = ContextVar("anystream_consuming", default=None)


def mark_batch(context: Context) -> Context:
    """A context that says that messages were published together."""
    return baggage.set_baggage(WITH_BATCH, True, context)


def start_of(tracer: Tracer) -> Callable[..., Span]:
    """What begins the spans of a tracer; in a shorter way, if it is that of OpenTelemetry's SDK,
    which need not be installed."""
    if type(tracer).__module__ == "opentelemetry.sdk.trace":
        try:
            from anystream.opentelemetry.sdk_spans import short_start
        except ImportError:  # an SDK whose parts are elsewhere
            return tracer.start_span
        return short_start(tracer)
    return tracer.start_span


class Spans:
    """Makes spans.

    Args:
        tracer: gives what makes them.
        settings: what the broker calls things.
    """

    def __init__(self, tracer: Callable[[], Tracer], settings: TelemetrySettingsProvider) -> None:
        self._tracer = tracer
        made = tracer()
        # a global provider may be set later than a middleware is made
        self._start = self._first_start if isinstance(made, ProxyTracer) else start_of(made)
        self.settings = settings
        self._system = settings.system
        self._consume_attributes = settings.consume_attributes
        self._publish_attributes = settings.publish_attributes

    def _first_start(self, *args: Any) -> Span:
        self._start = start_of(self._tracer())
        return self._start(*args)

    def process(self, message: Any, consumed: ConsumeAttrs) -> Begun:
        """Begins the span of a message that came in."""
        address, count, size = consumed
        attributes = {
            "messaging.system": self._system,
            "messaging.message.id": message.message_id,
            "messaging.message.conversation_id": message.correlation_id,
            "messaging.message.payload_size_bytes": size,
            "messaging.destination_publish.name": address,
        }
        if self._consume_attributes is not nothing:
            attributes.update(self._consume_attributes(message))
        values = links = None
        origin = None if message.batch_headers else plain_origin(message.headers)
        traced = origin is not NOTHING
        if origin is None:
            origin, traced, values, links = _origin(message)
        if message.batch_headers:
            attributes[COUNT] = count
        if not traced:
            origin = self._create(address, SpanKind.CONSUMER, attributes, origin, links)
        attributes[OPERATION] = "process"
        span = self._start(f"{address} process", origin, SpanKind.CONSUMER, attributes, links)
        return span, origin, values

    def publish(
        self,
        command: Any,
        address: str,
        count: int,
        consuming: Consuming | None,
        parent: Context | None,
    ) -> tuple[Span, Context]:
        """Begins the span of what goes out, and puts its trace into the headers."""
        attributes = {
            "messaging.system": self._system,
            "messaging.destination.name": address,
            "messaging.message.conversation_id": command.correlation_id,
        }
        if count > 1:
            attributes[COUNT] = count
        if self._publish_attributes is not nothing:
            attributes.update(self._publish_attributes(command))
        parent = parent or get_current()
        if consuming is None:
            parent = self._create(address, SpanKind.PRODUCER, attributes, parent)
            context = parent
            if command.headers and "baggage" in command.headers:
                context = Baggage.from_headers(command.headers).added_to(context)
            carried: Mapping[str, str] = injected(mark_batch(context) if count > 1 else context)
        else:
            carried = consuming.headers(batch=count > 1)
        command.headers = {**command.headers, **carried} if command.headers else dict(carried)
        attributes[OPERATION] = "publish"
        span = self._start(f"{address} publish", parent, SpanKind.PRODUCER, attributes)
        return span, set_span_in_context(span, parent)

    def _create(
        self,
        address: str,
        kind: SpanKind,
        attributes: Mapping[str, Any],
        context: Context,
        links: Sequence[Link] | None = None,
    ) -> Context:
        """A span for the making of a message whose trace begins here."""
        span = self._start(f"{address} create", context, kind, attributes, links)
        span.end()
        return set_span_in_context(span, context)


def _origin(message: Any) -> tuple[Context, bool, Baggage, Sequence[Link] | None]:
    """Where a message comes from, whether that is a trace, what travels with it, and what a new
    trace is linked to."""
    if message.batch_headers:
        return Context(), False, Baggage.from_msg(message), links_of(message.batch_headers)
    headers = message.headers
    origin = extracted(headers)
    values = Baggage(baggage.get_all(origin))
    if values.get(WITH_BATCH) is not None:
        return Context(), False, values, links_of([headers])
    traced = get_current_span(origin).get_span_context().is_valid
    return origin, traced, values, None


def links_of(batch: Any) -> list[Link]:
    """Links to where the messages of a batch come from, one for each conversation."""
    counts: dict[Any, int] = {}
    origins: dict[Any, Mapping[str, Any]] = {}
    for headers in batch:
        name = headers.get("correlation_id")
        counts[name] = counts.get(name, 0) + 1
        origins.setdefault(name, headers)
    links = []
    for name, headers in origins.items():
        context = origin_of(headers)
        found = trace.get_current_span(context).get_span_context()
        if found.is_valid:
            count = counts[name]
            links.append(Link(found, {COUNT: count} if count > 1 else None))
    return links
