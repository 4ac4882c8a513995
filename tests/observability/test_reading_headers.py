"""The short ways of reading and writing a trace do what OpenTelemetry's propagators do."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry import baggage, propagate
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.trace import get_current_span

from anystream.opentelemetry.carrier import HEADERS, injected, origin_of

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
GIVEN: list[dict[str, Any]] = [
    {},
    {"traceparent": f"00-{TRACE}-{SPAN}-01"},
    {"traceparent": f"00-{TRACE}-{SPAN}-00"},
    {"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "a=b"},
    {"traceparent": f"00-{TRACE}-{SPAN}-01", "baggage": "user=john"},
    {"traceparent": f"00-{TRACE}-{SPAN}-01".encode()},
    {"traceparent": f"00-{TRACE.upper()}-{SPAN}-01"},
    {"traceparent": f"cc-{TRACE}-{SPAN}-01-more"},
    {"traceparent": f"00-{'0' * 32}-{SPAN}-01"},
    {"traceparent": f"00-{TRACE}-{'0' * 16}-01"},
    {"traceparent": f"00-{TRACE}-{SPAN}-01\n"},
    {"traceparent": "nonsense"},
    {"traceparent": ""},
    {"traceparent": 3},
    {"baggage": "user=john"},
]


def read(context: Context) -> tuple[Any, ...]:
    found = get_current_span(context).get_span_context()
    state = dict(found.trace_state)
    values = dict(baggage.get_all(context))
    return found.trace_id, found.span_id, int(found.trace_flags), found.is_remote, state, values


@pytest.mark.parametrize("headers", GIVEN, ids=str)
def test_same_as_the_propagators(headers: dict[str, Any]) -> None:
    """Trace, span, flags, state and baggage are the same, whatever the headers hold."""
    assert read(origin_of(headers)) == read(propagate.extract(headers, Context(), HEADERS))


def test_other_propagators_are_asked() -> None:
    """Who has set propagators of their own gets what those find."""

    class Nothing(TextMapPropagator):
        fields: set[str] = set()  # noqa: RUF012

        def extract(self, carrier: Any, context: Any = None, getter: Any = None) -> Context:
            return Context({"asked": True})

        def inject(self, carrier: Any, context: Any = None, setter: Any = None) -> None: ...

    before = propagate.get_global_textmap()
    propagate.set_global_textmap(Nothing())
    try:
        assert origin_of(GIVEN[1]) == {"asked": True}
    finally:
        propagate.set_global_textmap(before)
    assert read(origin_of(GIVEN[1]))[0] == int(TRACE, 16)


@pytest.mark.parametrize("headers", GIVEN, ids=str)
def test_written_as_by_the_propagators(headers: dict[str, Any]) -> None:
    """What is published carries what the propagators would write, word by word."""
    context = propagate.extract(headers, Context(), HEADERS)
    carrier: dict[str, str] = {}
    propagate.inject(carrier, context)
    assert injected(context) == carrier
