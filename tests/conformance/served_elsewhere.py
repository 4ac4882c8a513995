"""Starts the brokers of an order in one process more; for a wrong adapter."""

from __future__ import annotations

import asyncio

from anystream.conformance.journal import Journal
from anystream.conformance.plan import Order
from anystream.conformance.served import make_brokers


def start_brokers() -> None:
    """Starts every broker of the order, and ends."""
    order = Order.from_environment()
    for broker in make_brokers(order.plan, Journal(order.folder)):
        asyncio.run(broker.start())
