"""How the headers of messages are read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from opentelemetry import baggage, propagate
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import Getter
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator


class _Headers(Getter[Mapping[str, Any]]):
    """Values are text; those of other producers may be bytes, or anything."""

    def get(self, carrier: Mapping[str, Any], key: str) -> list[str] | None:
        value = carrier.get(key)
        if value is None:
            return None
        if isinstance(value, bytes):
            return [value.decode(errors="replace")]
        return [value if isinstance(value, str) else str(value)]

    def keys(self, carrier: Mapping[str, Any]) -> list[str]:
        return list(carrier)


HEADERS = _Headers()


_W3C = [TraceContextTextMapPropagator, W3CBaggagePropagator]
_PLAIN_TRACE = re.compile("00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})").fullmatch
_seen: tuple[Any, bool] = (None, False)

NOTHING = Context()  # contexts do not change
_FLAGS = {"00": TraceFlags(0), "01": TraceFlags(1)}


def origin_of(headers: Mapping[str, Any]) -> Context:
    """The context that headers bring: that of the global propagators."""
    found = plain_origin(headers)
    return extracted(headers) if found is None else found


def extracted(headers: Mapping[str, Any]) -> Context:
    """What the propagators themselves make of headers."""
    return propagate.extract(headers, Context(), HEADERS)


def plain_origin(headers: Mapping[str, Any]) -> Context | None:
    """The same in half of the time that propagators take, for the usual ones: the context of a
    trace, or `NOTHING`. None where there is more than a trace, which is left to them."""
    if "baggage" in headers or "tracestate" in headers or not _are_usual():
        return None
    given = headers.get("traceparent")
    if given is None:
        return NOTHING
    match = _PLAIN_TRACE(given) if isinstance(given, str) else None
    if match is None:
        return None
    trace_id, span_id, flags = match.groups()
    known = _FLAGS.get(flags) or TraceFlags(int(flags, 16))
    found = SpanContext(int(trace_id, 16), int(span_id, 16), True, known)
    return set_span_in_context(NonRecordingSpan(found), NOTHING) if found.is_valid else None


def injected(context: Context) -> dict[str, str]:
    """The headers that carry a context: those of the global propagators. The usual ones have
    little to do for a plain trace, and take four times as long for it."""
    if _are_usual() and not baggage.get_all(context):
        found = get_current_span(context).get_span_context()
        if found.is_valid and not found.trace_state:
            return {
                "traceparent": f"00-{found.trace_id:032x}-{found.span_id:016x}"
                f"-{found.trace_flags:02x}"
            }
    carrier: dict[str, str] = {}
    propagate.inject(carrier, context)
    return carrier


def _are_usual() -> bool:
    global _seen
    current = propagate.get_global_textmap()
    if _seen[0] is not current:
        parts = getattr(current, "_propagators", ())  # one that hides them is asked itself
        _seen = current, [type(part) for part in parts] == _W3C
    return _seen[1]
