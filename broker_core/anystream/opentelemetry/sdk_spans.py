"""Spans of OpenTelemetry's SDK, begun in half of the time that it takes itself.

The SDK makes each span with parts that guard what is added to it: locked attributes, bounded lists
of events and links. Most spans of messages end as they began, so here these parts are made when
something is added. What is asked and told is the same: sampler, generator of ids, limits,
processors and the SDK's measurements of itself.

This needs to know how the SDK begins a span. So it looks first (`short_start`), and leaves each
span to an SDK that does it in another way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import Lock
from time import time_ns
from typing import Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.context import Context
from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.sdk.util import BoundedList
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    TraceFlags,
    Tracer,
    get_current_span,
)

# The names that `Tracer.start_span` of the SDK 1.43 and later uses, and the parts of its spans.
_STEPS = (
    "DEFAULT NonRecordingSpan RANDOM_TRACE_ID SAMPLED SpanContext TraceFlags TypeError _Span"
    " _instrumentation_scope _is_enabled _span_limits _tracer_metrics attributes decision"
    " generate_span_id generate_trace_id get_current_span get_span_context id_generator"
    " instrumentation_info is_recording is_sampled is_trace_id_random is_valid isinstance"
    " random_trace_id resource sampler should_sample span_processor start start_span trace_api"
    " trace_flags trace_id trace_state"
)
_PARTS = (
    "_attributes _context _end_time _events _instrumentation_info _instrumentation_scope _kind"
    " _limits _links _lock _name _parent _record_end_metrics _record_exception _resource _sampler"
    " _set_status_on_exception _span_processor _start_time _status _trace_config"
)
_SAMPLED, _DROPPED = Decision.RECORD_AND_SAMPLE, Decision.DROP
_NONE = ()
_FLAGS = [TraceFlags(value) for value in range(4)]
_KEYS = frozenset({str})
_VALUES = frozenset({str, int, float, bool})  # which the SDK takes as they are

Start = Callable[..., Span]


class _Attributes(dict[str, Any]):
    """Attributes that nobody has changed."""

    __slots__ = ("_immutable",)  # which the SDK sets at the end of a span


class MessageSpan(sdk.Span):
    """A span of the SDK that makes its parts when something is added to it."""

    def set_attribute(self, key: str, value: Any) -> None:
        """Adds or replaces an attribute."""
        self._make_parts()
        super().set_attribute(key, value)

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Adds or replaces attributes."""
        self._make_parts()
        super().set_attributes(attributes)

    def add_event(self, *args: Any, **named: Any) -> None:
        """Adds an event."""
        self._make_parts()
        super().add_event(*args, **named)

    def add_link(self, *args: Any, **named: Any) -> None:
        """Adds a link."""
        self._make_parts()
        super().add_link(*args, **named)

    def _make_parts(self) -> None:
        parts: dict[str, Any] = vars(self)
        with self._lock:
            if parts["_end_time"] is None and parts["_events"] is _NONE:
                limits = self._limits
                if type(parts["_attributes"]) is _Attributes:
                    parts["_attributes"] = _bounded(limits, parts["_attributes"])
                parts["_events"] = BoundedList(limits.max_events)
                parts["_links"] = BoundedList(limits.max_links)


def _bounded(limits: sdk.SpanLimits, attributes: Mapping[str, Any]) -> BoundedAttributes:
    return BoundedAttributes(
        limits.max_span_attributes,
        attributes,
        immutable=False,
        max_value_len=limits.max_span_attribute_length,
    )


class _Starter:
    """Begins the spans of one tracer."""

    def __init__(self, tracer: sdk.Tracer, parts: dict[str, Any]) -> None:
        limits = tracer._span_limits
        self._tracer = tracer
        self._parts = parts
        self._limits = limits
        most = limits.max_span_attributes
        self._most = 1 << 30 if most is None else most
        if limits.max_span_attribute_length is not None:
            self._most = 0  # all are looked at

    def start(
        self,
        name: str,
        context: Context | None,
        kind: SpanKind,
        attributes: Mapping[str, Any] | None,
        links: Sequence[Link] | None = None,
    ) -> Span:
        """Does what `start_span` of the tracer does."""
        tracer = self._tracer
        if links or not tracer._is_enabled():
            return tracer.start_span(name, context, kind, attributes, links)
        parent: Any = get_current_span(context).get_span_context()
        ids = tracer.id_generator
        if parent is not None and parent.is_valid:
            trace_id = parent.trace_id
            flags = parent.trace_flags & TraceFlags.RANDOM_TRACE_ID
        else:
            parent = None
            trace_id = ids.generate_trace_id()
            flags = TraceFlags.RANDOM_TRACE_ID if ids.is_trace_id_random() else 0
        sampled = tracer.sampler.should_sample(context, trace_id, name, kind, attributes, ())
        decision = sampled.decision
        if decision is _SAMPLED:
            flags |= TraceFlags.SAMPLED
        known = SpanContext(
            trace_id, ids.generate_span_id(), False, _FLAGS[flags], sampled.trace_state
        )
        ended = tracer._tracer_metrics.start_span(parent, decision)
        if decision is _DROPPED:
            return NonRecordingSpan(known)
        span: MessageSpan = object.__new__(MessageSpan)
        parts = vars(span)
        parts.update(self._parts)
        parts["_name"] = name
        parts["_context"] = known
        parts["_parent"] = parent
        parts["_kind"] = kind
        parts["_attributes"] = self._taken(sampled.attributes)
        parts["_sampler"] = tracer.sampler
        parts["_resource"] = tracer.resource
        parts["_span_processor"] = processor = tracer.span_processor
        parts["_lock"] = Lock()
        parts["_record_end_metrics"] = ended
        parts["_start_time"] = time_ns()
        processor.on_start(span, parent_context=context)
        return span

    def _taken(self, attributes: Mapping[str, Any]) -> Any:
        """Plain attributes when the SDK would keep all as they are."""
        if (
            len(attributes) <= self._most
            and _KEYS.issuperset(map(type, attributes))
            and _VALUES.issuperset(map(type, attributes.values()))
            and "" not in attributes
        ):
            return _Attributes(attributes)
        return _bounded(self._limits, attributes)


def short_start(tracer: Tracer) -> Start:
    """What begins the spans of a tracer.

    Args:
        tracer: of the SDK.

    Returns:
        The short way; `start_span` of the tracer itself where the SDK, or somebody who changed it,
        begins spans in a way that is not known here.
    """
    steps = getattr(type(tracer).start_span, "__code__", None)
    known = steps is not None and _words(steps.co_names) == _STEPS
    if not known or not isinstance(tracer, sdk.Tracer) or "start_span" in vars(tracer):
        return tracer.start_span
    parts = vars(
        MessageSpan(
            "",
            SpanContext(0, 0, False),
            resource=tracer.resource,
            instrumentation_info=tracer.instrumentation_info,
            limits=tracer._span_limits,
            instrumentation_scope=tracer._instrumentation_scope,
        )
    )
    if _words(parts) != _PARTS:
        return tracer.start_span
    return _Starter(tracer, {**parts, "_events": _NONE, "_links": _NONE}).start


def _words(names: Iterable[str]) -> str:
    return " ".join(sorted(names))
