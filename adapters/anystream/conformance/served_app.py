"""`anystream.conformance.served_app:app`, for servers that import what they serve."""

from __future__ import annotations

from anystream.conformance.journal import Journal
from anystream.conformance.plan import Order
from anystream.conformance.served import build_application

order = Order.from_environment()
app = build_application(order, Journal(order.folder))
