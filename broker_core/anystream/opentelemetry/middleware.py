"""The middleware that traces."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import Token
from functools import cache, partial
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Any

from opentelemetry import metrics, trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.metrics import Meter, MeterProvider
from opentelemetry.trace import Span, Status, StatusCode, set_span_in_context
from typing_extensions import Unpack

from anystream.core.context import current_frame
from anystream.core.message import SourceType
from anystream.core.middlewares import BaseMiddleware
from anystream.core.options import check_options
from anystream.core.own_version import own_version
from anystream.core.response import PublishType
from anystream.opentelemetry.meters import Meters
from anystream.opentelemetry.options import TelemetryOptions, TelemetrySettingsProvider
from anystream.opentelemetry.tracing import Consuming, Spans, in_hand

if TYPE_CHECKING:
    from anystream.core.context import ContextRepo

_NAME = "opentelemetry.instrumentation.anystream"
_SCHEMA = "https://opentelemetry.io/schemas/1.11.0"

_RESPONSE, _REPLY = SourceType.RESPONSE, PublishType.REPLY  # four times as fast to look up


def _meter(provider: MeterProvider | None) -> Meter:
    if provider is None or provider is metrics.get_meter_provider():
        return _global_meter()
    return provider.get_meter(_NAME, own_version(), _SCHEMA)


@cache
def _global_meter() -> Meter:
    """One for all, whether or not the provider is set already: each that is asked for before
    becomes the same meter, which then ignores the counters of all but one."""
    return metrics.get_meter(_NAME, own_version(), schema_url=_SCHEMA)


class TelemetryMiddleware:
    """Traces (and metrics) of what a broker receives, handles and publishes.

    Args:
        settings: what the broker calls things.
        **options: see `TelemetryOptions`.

    Raises:
        OptionError: an option does not exist.
    """

    def __init__(
        self, settings: TelemetrySettingsProvider, **options: Unpack[TelemetryOptions]
    ) -> None:
        check_options(type(self).__name__, options, TelemetryOptions)
        tracer = partial(
            trace.get_tracer,
            _NAME,
            own_version(),
            options.get("tracer_provider"),
            schema_url=_SCHEMA,
        )
        meter = options.get("meter") or _meter(options.get("meter_provider"))
        counters = options.get("include_messages_counters", True)
        self.settings = settings
        self.spans = Spans(tracer, settings)
        self.processing = Meters(
            meter,
            "process",
            settings.system,
            "messaging.destination_publish.name",
            counters=counters,
        )
        self.publishing = Meters(
            meter, "publish", settings.system, "messaging.destination.name", counters=counters
        )

    def __call__(self, msg: Any = None, /, *, context: ContextRepo) -> _Scope:
        return _Scope(self, context)


class _Scope(BaseMiddleware):
    """One message, or one publish outside of a handler."""

    _consuming: Consuming | None = None  # the message in hand
    _before: Consuming | None
    _attached: Token[Context]
    _recorded: BaseException | None = None

    def __init__(self, owner: TelemetryMiddleware, context: ContextRepo) -> None:
        self._owner = owner
        self.context = context

    async def consume_scope(self, call_next: Callable[[Any], Awaitable[Any]], msg: Any) -> Any:
        owner = self._owner
        consumed = owner.settings.consumed(msg)
        if consumed is None:
            return await call_next(msg)
        if self._consuming is not None:
            await self.after_processed()  # an outer middleware tries once more
        address, count, _ = consumed
        began = perf_counter()
        span, origin, values = owner.spans.process(msg, consumed)
        # this stays until replies are sent, too; see `after_processed`
        context = set_span_in_context(span, origin)
        self._attached = attach(context)
        self._before = in_hand.get()
        self._consuming = Consuming(self.context, span, origin, values, current_frame.get())
        in_hand.set(self._consuming)
        current_frame.set(self._consuming)
        error: BaseException | None = None
        try:
            return await call_next(msg)
        except BaseException as raised:
            error = raised
            self._note(span, raised)
            raise
        finally:
            if msg.source_type is not _RESPONSE:  # each comes to an address of its own
                seconds = perf_counter() - began
                owner.processing.note(address, seconds, count, error, context)
            error = None  # its traceback knows this frame

    async def publish_scope(self, call_next: Callable[[Any], Awaitable[Any]], cmd: Any) -> Any:
        owner = self._owner
        count = len(cmd.batch_bodies)
        address = owner.settings.published_to(cmd)
        began = perf_counter()
        consuming, parent = self._consuming, None
        if consuming is None:
            consuming = in_hand.get()
        else:  # what is sent for the message when it was handled
            parent = set_span_in_context(consuming.span, consuming.origin)
        span, context = owner.spans.publish(cmd, address, count, consuming, parent)
        attached = attach(context)
        error: BaseException | None = None
        try:
            return await call_next(cmd)
        except BaseException as raised:
            error = raised
            record(span, raised)
            raise
        finally:
            detach(attached)
            span.end()
            if cmd.publish_type is not _REPLY:
                seconds = perf_counter() - began
                owner.publishing.note(address, seconds, count, error, context)
            error = None

    async def after_processed(
        self,
        exc_type: type[BaseException] | None = None,
        exc_val: BaseException | None = None,
        exc_tb: TracebackType | None = None,
    ) -> bool | None:
        consuming = self._consuming
        if consuming is not None:
            self._consuming = None
            span = consuming.span
            if exc_val is not None:
                self._note(span, exc_val)
            self._recorded = None
            # an outer middleware may have had the message handled in another task, whose context
            # is its own: `asyncio.wait_for` did before Python 3.12
            if in_hand.get() is consuming:
                in_hand.set(self._before)
                detach(self._attached)
            span.end()
        return None

    def _note(self, span: Span, error: BaseException) -> None:
        """The handler's exception, or that of a reply; once."""
        if error is not self._recorded:
            self._recorded = error
            record(span, error)


def record(span: Span, error: BaseException) -> None:
    """Says in a span how it ended."""
    if isinstance(error, Exception) and span.is_recording():
        span.record_exception(error)
        span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))
