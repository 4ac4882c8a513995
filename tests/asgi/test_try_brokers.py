"""Documents and Try It Out of every broker; no server is needed for either."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

from anystream.asgi.try_it_out import TryItOutProcessor
from anystream.core.exceptions import IncorrectState
from anystream.specification import AsyncAPI


class Order(BaseModel):
    item: str


async def handle(order: Order) -> Order:
    return Order(item=order.item.upper())


async def handle_many(orders: list[Order]) -> int:
    return len(orders)


def memory() -> Any:
    from anystream.memory import MemoryBroker

    broker = MemoryBroker()
    broker.subscriber("orders")(broker.publisher("out")(handle))
    broker.subscriber("batch", batch=True)(handle_many)
    return broker


def nats() -> Any:
    from anystream.nats import NatsBroker, NatsRouter

    broker, router = NatsBroker("nats://ann:secret@localhost"), NatsRouter("shop.")
    router.subscriber("orders", "group")(router.publisher("out")(handle))
    router.subscriber("logs.>", stream="logs")(handle)
    broker.include_router(router)
    return broker


def redis() -> Any:
    from anystream.redis import ListSub, RedisBroker, StreamSub

    broker = RedisBroker("redis://ann:secret@localhost:6379/0")
    broker.subscriber("orders")(broker.publisher("out")(handle))
    broker.subscriber("logs.{level}")(handle)
    broker.subscriber(list="list")(broker.publisher(list="done")(handle))
    broker.subscriber(list=ListSub("many", batch=True))(handle_many)
    broker.subscriber(stream="stream")(handle)
    broker.subscriber(stream=StreamSub("grouped", group="g", consumer="c"))(handle)
    return broker


def rabbit() -> Any:
    from anystream.rabbit import ExchangeType, RabbitBroker, RabbitExchange, RabbitQueue

    broker = RabbitBroker("amqp://ann:secret@localhost:5672/vh")
    topic = RabbitExchange("topics", type=ExchangeType.TOPIC)
    fanout = RabbitExchange("all", type=ExchangeType.FANOUT)
    broker.subscriber("orders")(broker.publisher("out")(handle))
    broker.subscriber(RabbitQueue("logs", routing_key="logs.#"), topic)(handle)
    broker.subscriber(RabbitQueue("levels", routing_key="levels.{level}"), topic)(handle)
    broker.subscriber("everything", fanout)(handle)
    broker.publisher(exchange=fanout)
    return broker


def kafka() -> Any:
    from anystream.kafka import KafkaBroker

    broker = KafkaBroker("localhost:9092")
    broker.subscriber("orders", "other")(broker.publisher("out")(handle))
    broker.subscriber("batch", batch=True)(handle_many)
    broker.subscriber(pattern="logs_{level}")(handle)
    return broker


def confluent() -> Any:
    from anystream.confluent import KafkaBroker

    broker = KafkaBroker("localhost:9092")
    broker.subscriber("orders", "other")(broker.publisher("out")(handle))
    broker.subscriber("batch", batch=True)(handle_many)
    return broker


BROKERS = (memory, nats, redis, rabbit, kafka, confluent)
by_broker = pytest.mark.parametrize("make", BROKERS, ids=lambda make: make.__name__)


@by_broker
@pytest.mark.parametrize("version", ["3.0.0", "2.6.0"])
def test_document(make: Callable[[], Any], version: str) -> None:
    """Valid, with a protocol and bindings of its own, and without a password."""
    broker = make()
    specification = AsyncAPI(broker, schema_version=version).to_specification()
    document = specification.to_jsonable()
    assert "secret" not in specification.to_json()
    assert len(document["channels"]) > 2
    (server,) = document["servers"].values()
    assert server["protocol"] in ("memory", "nats", "redis", "amqp", "kafka")
    bindings = [it.get("bindings") for it in document["channels"].values()]
    assert all(bindings) or make is memory


@by_broker
async def test_every_channel_can_be_tried(make: Callable[[], Any]) -> None:
    """The handler of each receiving channel answers; the live broker is never started."""
    broker = make()
    channels = AsyncAPI(broker).to_specification().channels
    processor = TryItOutProcessor(broker)
    for key, channel in channels.items():
        answer = await processor.process(
            {
                "channelName": key,
                "message": {"message": {"item": "tea"}},
                "parameters": {"level": "info"},
            }
        )
        if channel.action == "send":
            assert answer.status in (200, 404)
            continue
        assert answer.status == 200, (key, answer)
        assert answer.body in ({"item": "TEA"}, 1), (key, answer)
    assert not broker.connected
    assert not broker.running


@by_broker
async def test_a_bad_message(make: Callable[[], Any]) -> None:
    """What does not validate is told with its place, by every broker."""
    broker = make()
    answer = await TryItOutProcessor(broker).process(
        {"channelName": next(iter(AsyncAPI(broker).to_specification().channels)), "message": {}}
        | {"message": {"message": {"item": 1}}}
    )
    assert answer.status == 500
    assert answer.body["errors"][0]["loc"][-1] == "item"


@by_broker
async def test_the_real_broker_that_is_not_started(make: Callable[[], Any]) -> None:
    """Where it is allowed and asked for, a message goes to the live broker, and says what fails."""
    broker = make()
    answer = await TryItOutProcessor(broker, real_broker=True).process(
        {"channelName": "orders", "options": {"sendToRealBroker": True}}
        if make is not nats
        else {"channelName": "shop.orders", "options": {"sendToRealBroker": True}}
    )
    assert answer.status == 500
    assert IncorrectState.__name__ in answer.body["details"]
