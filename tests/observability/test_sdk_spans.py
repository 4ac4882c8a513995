"""Spans that are begun in the short way are those that OpenTelemetry's SDK would have made."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.context import Context
from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.trace import IdGenerator, SpanLimits, TracerProvider, sampling
from opentelemetry.sdk.trace.sampling import Decision, SamplingResult
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from anystream.opentelemetry.sdk_spans import MessageSpan, short_start
from anystream.opentelemetry.tracing import start_of

pytestmark = pytest.mark.memory

SAMPLERS = ["on", "off", "parent", "adds", "records"]
VALUES = st.one_of(
    st.text(max_size=3),
    st.just("jasmine"),
    st.integers(-9, 9),
    st.booleans(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.lists(st.text(max_size=3), max_size=2),
    st.just(object),  # which the SDK makes a text of
)
ATTRIBUTES = st.dictionaries(st.text(max_size=5), VALUES, max_size=5)
LIMITS = st.fixed_dictionaries(
    {
        "max_span_attributes": st.sampled_from([128, 3, 0]),
        "max_span_attribute_length": st.sampled_from([None, 4]),
        "max_events": st.sampled_from([128, 1]),
        "max_links": st.sampled_from([128, 1]),
    }
)


def coming_from(flags: int, state: TraceState | None) -> Context:
    known = SpanContext(7, 8, True, TraceFlags(flags), state)
    return set_span_in_context(NonRecordingSpan(known), Context())


PARENTS = st.one_of(
    st.none(),
    st.builds(
        coming_from, st.integers(0, 3), st.sampled_from([None, TraceState([("farm", "green")])])
    ),
)
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("set_attribute"), st.text(max_size=5), VALUES),
        st.tuples(st.just("set_attributes"), ATTRIBUTES),
        st.tuples(st.just("add_event"), st.text(max_size=5), ATTRIBUTES),
        st.tuples(st.just("add_link"), st.just(SpanContext(5, 6, True)), ATTRIBUTES),
        st.tuples(st.just("record_exception"), st.just(ValueError("no tea"))),
        st.tuples(st.just("set_status"), st.just(StatusCode.ERROR), st.just("no tea")),
        st.tuples(st.just("update_name"), st.text(max_size=5)),
        st.tuples(st.just("end")),
    ),
    max_size=5,
)


class Ids(IdGenerator):
    """One number after another."""

    def __init__(self, *, random: bool) -> None:
        self._numbers = count(1)
        self._random = random

    def generate_span_id(self) -> int:
        return next(self._numbers)

    def generate_trace_id(self) -> int:
        return next(self._numbers)

    def is_trace_id_random(self) -> bool:
        return self._random


class Fixed(sampling.Sampler):
    """Decides the same for all, and adds to them."""

    def __init__(self, decision: Decision) -> None:
        self._decision = decision

    def should_sample(self, *args: Any, **named: Any) -> SamplingResult:
        state = TraceState([("shop", "tea")])
        return SamplingResult(self._decision, {**(args[4] or {}), "rate": 0.5}, state)

    def get_description(self) -> str:
        return "fixed"


def sampler(name: str) -> sampling.Sampler:
    if name == "adds":
        return Fixed(Decision.RECORD_AND_SAMPLE)
    if name == "records":
        return Fixed(Decision.RECORD_ONLY)
    return {"on": sampling.ALWAYS_ON, "off": sampling.ALWAYS_OFF}.get(name, sampling.DEFAULT_ON)


class Seen(sdk.SpanProcessor):
    """What processors of spans are told; times are not compared."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def on_start(self, span: sdk.Span, parent_context: Context | None = None) -> None:
        span.set_attribute("seen", True)  # as processors do that add baggage
        self.told.append(("start", span.is_recording(), parent_context, described(span)))

    def _on_ending(self, span: sdk.Span) -> None:
        self.told.append(("ending", span.is_recording(), described(span)))

    def on_end(self, span: sdk.ReadableSpan) -> None:
        lost = span.dropped_attributes, span.dropped_events, span.dropped_links
        self.told.append(("end", lost, described(span)))


class Quiet(Seen):
    """One that leaves spans as they are."""

    def on_start(self, span: sdk.Span, parent_context: Context | None = None) -> None:
        self.told.append(("start", span.is_recording(), parent_context, described(span)))


def described(span: sdk.ReadableSpan) -> Any:
    told = json.loads(span.to_json())
    for part in (told, *told["events"]):
        for name in ("start_time", "end_time", "timestamp"):
            part[name] = bool(part.get(name))
    for event in told["events"]:
        event["attributes"].pop("exception.stacktrace", None)
    scope, context = span.instrumentation_scope, span.get_span_context()
    flags = context and (context.trace_flags, context.is_remote, dict(context.trace_state))
    return told, scope and scope.name, flags, span.parent, span.kind, span.status.description


def lived(
    start: Callable[[Any], Callable[..., Span]],
    seen: Seen,
    case: dict[str, Any],
) -> tuple[Any, ...]:
    """What is to be seen of a span that lives through a case."""
    provider = TracerProvider(
        sampler=sampler(case["sampler"]),
        id_generator=Ids(random=case["random"]),
        span_limits=SpanLimits(**case["limits"]),
        resource=sdk.Resource({"service.name": "shop"}),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(seen)
    begin = start(provider.get_tracer("shop", "1"))
    span = begin(
        "orders process",
        case["parent"],
        SpanKind.CONSUMER,
        case["attributes"],
        case["links"],
    )
    states = [span.is_recording()]
    for name, *values in case["actions"]:
        getattr(span, name)(*values)
        states.append(span.is_recording())
        if isinstance(span, sdk.Span):
            seen.told.append(described(span))
    span.end()
    context = span.get_span_context()
    return seen.told, states, context, context.trace_flags, context.trace_state, context.is_remote


@settings(max_examples=500)
@given(
    case=st.fixed_dictionaries(
        {
            "sampler": st.sampled_from(SAMPLERS),
            "random": st.booleans(),
            "limits": LIMITS,
            "parent": PARENTS,
            "attributes": st.one_of(st.none(), ATTRIBUTES),
            "links": st.sampled_from([None, (), [Link(SpanContext(3, 4, True))]]),
            "actions": ACTIONS,
        }
    ),
    seen=st.sampled_from([Seen, Quiet]),
)
def test_the_same_span(case: dict[str, Any], seen: type[Seen]) -> None:
    """Samplers, processors, limits and whoever adds to a span see what the SDK would show."""
    ours = lived(short_start, seen(), case)
    theirs = lived(lambda tracer: tracer.start_span, seen(), case)
    assert ours == theirs


def provided() -> sdk.Tracer:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("shop")
    assert isinstance(tracer, sdk.Tracer)
    return tracer


def begun(tracer: sdk.Tracer) -> Span:
    return short_start(tracer)("orders process", None, SpanKind.CONSUMER, {})


def test_current_sdk_is_known() -> None:
    """The short way is taken with the SDK that is installed here."""
    assert type(begun(provided())) is MessageSpan


def test_other_tracers_begin_their_own_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who changed how spans begin, for all or for one tracer, is not passed by."""
    started: list[Sequence[Any]] = []

    def changed(*args: Any) -> Span:
        started.append(args)
        return NonRecordingSpan(SpanContext(1, 2, False))

    tracer = provided()
    monkeypatch.setattr(tracer, "start_span", changed)
    begun(tracer)
    monkeypatch.setattr(sdk.Tracer, "start_span", changed)
    begun(provided())
    assert len(started) == 2


def test_unknown_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    """An SDK whose spans have other parts makes them itself."""

    def more(self: Any, *args: Any, **named: Any) -> None:
        original(self, *args, **named)
        self._more = 1

    original = sdk.Span.__init__
    monkeypatch.setattr(sdk.Span, "__init__", more)
    assert type(begun(provided())) is not MessageSpan


def test_sdk_with_parts_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be imported from a later SDK stops no application."""
    tracer = provided()
    monkeypatch.delitem(sys.modules, "anystream.opentelemetry.sdk_spans")
    monkeypatch.delattr("opentelemetry.sdk.util.BoundedList")
    assert start_of(tracer) == tracer.start_span


def test_tracer_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tracer that is switched off begins nothing, and begins again when it is on."""
    tracer = provided()
    start = short_start(tracer)
    monkeypatch.setattr(tracer, "_is_enabled", lambda: False)
    assert not start("orders process", None, SpanKind.CONSUMER, {}).is_recording()
    monkeypatch.undo()
    assert start("orders process", None, SpanKind.CONSUMER, {}).is_recording()
