"""The stream: an order comes in, an invoice goes out, a second subscriber stores it."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

from pydantic import BaseModel, PositiveInt

from anystream.asgi import (
    make_liveness_asgi,
    make_ping_asgi,
    make_readiness_asgi,
    make_startup_asgi,
)
from anystream.core import AsyncAPI, FastStream
from anystream.memory import MemoryBroker


class Order(BaseModel):
    item: str
    quantity: PositiveInt = 1
    price: float


class Invoice(BaseModel):
    item: str
    total: float


invoices: list[Invoice] = []


# the class of each broker, and where its server is unless the environment says otherwise
BROKERS = {
    "memory": ("MemoryBroker", "", ""),
    "nats": ("NatsBroker", "ANYSTREAM_NATS_URL", "nats://localhost:4222"),
    "redis": ("RedisBroker", "ANYSTREAM_REDIS_URL", "redis://localhost:6379"),
    "rabbit": ("RabbitBroker", "ANYSTREAM_RABBIT_URL", "amqp://guest:guest@localhost:5672/"),
    "kafka": ("KafkaBroker", "ANYSTREAM_KAFKA_URL", "localhost:9092"),
    "confluent": ("KafkaBroker", "ANYSTREAM_KAFKA_URL", "localhost:9092"),
}


def make_broker(kind: str) -> Any:
    name, variable, address = BROKERS[kind]
    broker_class = getattr(import_module(f"anystream.{kind}"), name)
    return broker_class(os.environ.get(variable) or address) if address else broker_class()


def make_stream(kind: str) -> FastStream:
    broker: MemoryBroker = make_broker(kind)

    @broker.subscriber("orders")
    @broker.publisher("invoices")
    async def make_invoice(order: Order) -> Invoice:
        """Turns an order into an invoice."""
        return Invoice(item=order.item, total=order.quantity * order.price)

    @broker.subscriber("invoices")
    async def store_invoice(invoice: Invoice) -> None:
        """Keeps the invoice."""
        invoices.append(invoice)

    return FastStream(broker, specification=AsyncAPI(title="Orders", version="1.0.0"))


def health(stream: FastStream) -> list[tuple[str, Any]]:
    """One line to ask by hand, and the three probes of an orchestrator."""
    return [
        ("/health", make_ping_asgi(stream.broker, timeout=5.0)),
        ("/health/live", make_liveness_asgi(stream)),
        ("/health/ready", make_readiness_asgi(stream)),
        ("/health/started", make_startup_asgi(stream)),
    ]
