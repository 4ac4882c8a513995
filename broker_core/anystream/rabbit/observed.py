"""What metrics and traces call the things of RabbitMQ."""

from __future__ import annotations

from typing import Any

from anystream.core.observed import Observed

DEFAULT = "default"
KEY = "messaging.rabbitmq.destination.routing_key"


def _delivered(message: Any) -> Any:
    # below the client library's message, which is made only when somebody looks into it
    raw = message.raw_message
    return (raw[0] if isinstance(message.body, list) else raw)._delivered


def _consumed_from(message: Any) -> str:
    delivered = _delivered(message)
    return f"{delivered.exchange or DEFAULT}.{delivered.routing_key}"


def _consume_attributes(message: Any) -> dict[str, Any]:
    delivered = _delivered(message)
    return {
        "messaging.destination_publish.name": delivered.exchange or "",
        KEY: delivered.routing_key or "",
        "messaging.rabbitmq.message.delivery_tag": delivered.delivery_tag or 0,
    }


def _exchange(command: Any) -> str:
    # the default exchange has no name; spans and metrics show it as one all the same
    exchange = command.exchange
    return "" if exchange is None else exchange.name


def _published_to(command: Any) -> str:
    return f"{_exchange(command) or DEFAULT}.{command.destination}"


def _publish_attributes(command: Any) -> dict[str, Any]:
    return {"messaging.destination.name": _exchange(command), KEY: command.destination}


OBSERVED = Observed(
    system="rabbitmq",
    consumed_from=_consumed_from,
    published_to=_published_to,
    consume_attributes=_consume_attributes,
    publish_attributes=_publish_attributes,
)
