"""What the AsyncAPI document says of subscribers and publishers in AMQP's terms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anystream.core.publisher import Publisher
from anystream.core.subscriber import Subscriber
from anystream.rabbit.exchange import ExchangeType, RabbitExchange
from anystream.rabbit.queue import RabbitQueue
from anystream.rabbit.source import full_queue
from anystream.rabbit.urls import virtual_host

Declared = Subscriber | Publisher

VERSION_3 = "0.3.0"
VERSION_26 = "0.2.0"


def exchange_of(declared: Declared) -> RabbitExchange:
    """The exchange of a subscriber or publisher."""
    if isinstance(declared, Subscriber):
        found: RabbitExchange = declared.source.exchange
        return found
    return declared.options["exchange"] or RabbitExchange()


def queue_of(declared: Declared) -> RabbitQueue | None:
    """The queue with its prefixes; None for publishers that name none."""
    if isinstance(declared, Subscriber):
        return full_queue(declared)
    queue: RabbitQueue | None = declared.options["queue"]
    return queue.add_prefix(declared.merged.prefix) if queue is not None else None


def by_key(exchange: RabbitExchange) -> bool:
    """Whether routing keys have a meaning for an exchange."""
    return exchange.is_default or exchange.type in (ExchangeType.DIRECT, ExchangeType.TOPIC)


def address(declared: Declared) -> str:
    """The routing key, with its braces."""
    if isinstance(declared, Subscriber):
        return full_queue(declared).routing_template()
    return declared.destination


def shown_address(declared: Declared, address: str) -> str | None:
    """The address of AsyncAPI 3: the routing key, where there is one."""
    return (address or None) if by_key(exchange_of(declared)) else None


def channel_name(declared: Declared, address: str) -> str:
    """The beginning of the channel's key."""
    exchange = exchange_of(declared)
    name = exchange.name or "_"
    if isinstance(declared, Subscriber):
        return f"{full_queue(declared).name}:{name}"
    has_key = by_key(exchange) or declared.options["queue"] is None
    return f"{(declared.address if has_key else '') or '_'}:{name}"


def _exchange(exchange: RabbitExchange, vhost: str) -> dict[str, Any]:
    if exchange.is_default:
        return {"type": "default", "vhost": vhost}
    return {
        "name": exchange.name,
        "type": exchange.type.value,
        "durable": exchange.durable,
        "autoDelete": exchange.auto_delete,
        "vhost": vhost,
    }


def _queue(queue: RabbitQueue, vhost: str) -> dict[str, Any]:
    return {
        "name": queue.name,
        "durable": queue.durable,
        "exclusive": queue.exclusive,
        "autoDelete": queue.auto_delete,
        "vhost": vhost,
    }


def channel_bindings(declared: Declared, url: str) -> Mapping[str, Any]:
    """The channel's bindings in AsyncAPI 3."""
    vhost = virtual_host(url)
    queue = queue_of(declared)
    if isinstance(declared, Subscriber) and queue is not None:
        kind = {"is": "queue", "bindingVersion": VERSION_3, "queue": _queue(queue, vhost)}
    else:
        kind = {
            "is": "routingKey",
            "bindingVersion": VERSION_3,
            "exchange": _exchange(exchange_of(declared), vhost),
        }
    return {"amqp": kind}


def operation_bindings(declared: Declared) -> Mapping[str, Any]:
    """The operation's bindings in AsyncAPI 3."""
    said: dict[str, Any] = {}
    key = address(declared)
    if key and by_key(exchange_of(declared)):
        said["cc"] = [key]
    said["ack"] = True
    if isinstance(declared, Publisher):
        lasting = declared.options["lasting"]
        said["deliveryMode"] = 2 if lasting.get("persist") else 1
        said["mandatory"] = lasting.get("mandatory", True)
        if lasting.get("priority") is not None:
            said["priority"] = lasting["priority"]
    return {"amqp": {**said, "bindingVersion": VERSION_3}}


def bindings_in_26(declared: Declared, url: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Channel and operation bindings as AsyncAPI 2.6 has them."""
    vhost = virtual_host(url)
    exchange, queue = exchange_of(declared), queue_of(declared)
    channel: dict[str, Any] = {"is": "routingKey", "bindingVersion": VERSION_26}
    if queue is not None and by_key(exchange):
        channel["queue"] = _queue(queue, vhost)
    channel["exchange"] = _exchange(exchange, vhost)
    operation = dict(operation_bindings(declared)["amqp"])
    operation["bindingVersion"] = VERSION_26
    if "cc" in operation:
        operation["cc"] = operation["cc"][0]
    return {"amqp": channel}, {"amqp": operation}
