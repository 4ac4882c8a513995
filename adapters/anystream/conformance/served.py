"""Builds the application that an order asks for."""

from __future__ import annotations

from typing import Any

from anystream.conformance.host import load_host
from anystream.conformance.journal import Journal
from anystream.conformance.plan import Order, Plan
from anystream.conformance.probe_app import ProbeApp, as_function
from anystream.conformance.recording import (
    ForeignStream,
    OtherRecordingBroker,
    RecordingBroker,
    recording_application,
)
from anystream.conformance.user_code import UserCode


def build_application(order: Order, journal: Journal) -> Any:
    """Returns the framework's application, with the adapter set up as the order says."""
    plan = order.plan
    host = load_host(order.host)
    user = UserCode(journal, plan.fails)
    app = host.make_app(user)
    stream = make_stream(plan, journal)
    options = setup_options(plan, stream, journal)
    journal.write("setup.begin")
    hosted = host.setup(app, stream, **options)
    journal.write("setup.returned", result=type(hosted).__name__)
    user.setup_again = lambda: host.setup(app, stream, **options)
    return app


def make_brokers(plan: Plan, journal: Journal) -> list[RecordingBroker]:
    """The recording brokers of a plan."""
    return [
        (OtherRecordingBroker if broker.second_kind else RecordingBroker)(broker, journal)
        for broker in plan.brokers
    ]


def make_stream(plan: Plan, journal: Journal) -> Any:
    """What `setup` is given as its stream."""
    if plan.stream == "traffic":
        from anystream.conformance.traffic import make_traffic_stream

        return make_traffic_stream(journal)
    brokers = make_brokers(plan, journal)
    if plan.stream == "broker":
        return brokers[0]
    if plan.stream == "foreign":
        return ForeignStream(brokers, journal)
    return recording_application(brokers, journal, plan.fails)


def setup_options(plan: Plan, stream: Any, journal: Journal) -> dict[str, Any]:
    """The keyword arguments of `setup`."""
    options = dict(plan.options)
    if plan.mounts:
        options["asgi_routes"] = mounted_routes(getattr(stream, "brokers", [stream]), journal)
    return options


def mounted_routes(brokers: list[Any], journal: Journal) -> list[tuple[str, Any]]:
    """The ping endpoints and the probe, in the shapes that an ASGI callable can have."""
    from anystream.asgi import make_ping_asgi

    probe, inner = ProbeApp("probe", journal), ProbeApp("inner", journal)
    routes: list[tuple[str, Any]] = [
        ("/probe", probe),
        ("/probe/inner", inner.as_method),
        ("/function", as_function(ProbeApp("function", journal))),
    ]
    for broker in brokers:
        name = getattr(broker, "name", "broker")
        routes.append((f"/ping-{name}", make_ping_asgi(broker, timeout=0.3)))
    return routes
