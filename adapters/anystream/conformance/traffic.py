"""A real application for the hosts: orders in, invoices out, on the embedded broker."""

from __future__ import annotations

from typing import Any

from anystream.conformance.journal import Journal

ORDERS = "conformance.orders"
INVOICES = "conformance.invoices"


def make_traffic_stream(journal: Journal) -> Any:
    """Returns a FastStream application with two subscribers on a MemoryBroker."""
    from anystream.core import FastStream
    from anystream.memory import MemoryBroker

    broker = MemoryBroker()

    @broker.subscriber(ORDERS)
    @broker.publisher(INVOICES)
    async def handle_order(order: dict[str, Any]) -> dict[str, Any]:
        journal.write("order.handled", order=order)
        return {"number": order["number"], "due": 3}

    @broker.subscriber(INVOICES)
    async def store_invoice(invoice: dict[str, Any]) -> None:
        journal.write("invoice.stored", **invoice)

    return FastStream(broker)
