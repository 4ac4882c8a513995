"""What a document says of NATS."""

from __future__ import annotations

import json
from typing import Any

from nats.js.api import ConsumerConfig

from anystream.nats import NatsBroker, NatsRouter


def test_subjects_and_queues(describe: Any) -> None:
    """Addresses are templates with their parameters, bindings have subject and queue."""
    broker = NatsBroker("nats://ann:secret@localhost:4222")
    router = NatsRouter("shop.")

    @router.subscriber("logs.{level}", "group")
    @router.publisher("out")
    async def handle(body: int) -> int:
        return body

    broker.include_router(router)
    document = describe(broker)
    channel = document["channels"]["shop.logs.{level}:Handle"]
    assert channel["address"] == "shop.logs.{level}"
    assert channel["parameters"] == {"level": {}}
    assert channel["bindings"] == {
        "nats": {"subject": "shop.logs.*", "queue": "group", "bindingVersion": "custom"}
    }
    assert document["channels"]["shop.out:Publisher"]["bindings"] == {
        "nats": {"subject": "shop.out", "bindingVersion": "custom"}
    }
    assert document["servers"]["development"] == {
        "host": "localhost:4222",
        "pathname": "",
        "protocol": "nats",
        "protocolVersion": "custom",
    }
    assert "secret" not in json.dumps(document)


def test_subjects_of_the_consumer(describe: Any) -> None:
    """A consumer that names its subjects has a channel for each of them."""
    broker = NatsBroker()
    config = ConsumerConfig(filter_subjects=["a.x", "b.*"])

    @broker.subscriber(stream="stream", config=config, title="Both")
    async def handle(body: int) -> None: ...

    channels = describe(broker)["channels"]
    assert {key: channel["address"] for key, channel in channels.items()} == {
        "Both:a.x": "a.x",
        "Both:b.*": "b.*",
    }
