"""What Prometheus counts, on the embedded broker and in test mode."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter

from anystream.core import AckPolicy
from anystream.core.exceptions import (
    AckMessage,
    NackMessage,
    OptionError,
    RejectMessage,
    SetupError,
    SkipMessage,
)
from anystream.kafka import KafkaBroker, TestKafkaBroker
from anystream.kafka.prometheus import KafkaPrometheusMiddleware
from anystream.memory import MemoryBroker, TestMemoryBroker
from anystream.memory.prometheus import MemoryPrometheusMiddleware
from anystream.nats import NatsBroker, TestNatsBroker
from anystream.nats.prometheus import NatsPrometheusMiddleware

pytestmark = pytest.mark.memory


class Counted:
    """A registry that is asked for values."""

    def __init__(self, **fixed: str) -> None:
        self.registry = CollectorRegistry()
        self.fixed = {"app_name": "anystream", "broker": "memory", **fixed}

    def __call__(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"anystream_{name}", {**self.fixed, **labels})


@asynccontextmanager
async def broker_with(counted: Counted, **options: Any) -> AsyncIterator[MemoryBroker]:
    middleware = MemoryPrometheusMiddleware(registry=counted.registry, **options)
    broker = MemoryBroker(logger=None, middlewares=[middleware])

    @broker.subscriber("orders")
    async def handle(body: Any) -> None: ...

    async with TestMemoryBroker(broker):
        yield broker


async def test_received_and_published() -> None:
    """Numbers, sizes and times of what went well."""
    counted = Counted()
    async with broker_with(counted) as broker:
        await broker.publish("tea", "orders")
        await broker.publish("x" * 100, "orders")
    here = {"handler": "orders"}
    assert counted("received_messages_total", **here) == 2.0
    assert counted("received_messages_size_bytes_sum", **here) == 103.0
    assert counted("received_messages_size_bytes_bucket", le="16.0", **here) == 1.0
    assert counted("received_messages_size_bytes_bucket", le="256.0", **here) == 2.0
    assert counted("received_messages_size_bytes_bucket", le="1.6777216e+07", **here) == 2.0
    assert counted("received_messages_in_process", **here) == 0.0
    assert counted("received_processed_messages_total", status="acked", **here) == 2.0
    assert counted("received_processed_messages_duration_seconds_count", **here) == 2.0
    there = {"destination": "orders"}
    assert counted("published_messages_total", status="success", **there) == 2.0
    assert counted("published_messages_duration_seconds_count", **there) == 2.0


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (AckMessage(), "acked"),
        (NackMessage(), "nacked"),
        (RejectMessage(), "rejected"),
        (SkipMessage(), "skipped"),
        (ValueError("no"), "error"),
    ],
)
async def test_outcomes(error: Exception, status: str) -> None:
    """The label `status` says how a message ended; steering is no exception."""
    counted = Counted()
    broker = MemoryBroker(
        logger=None, middlewares=[MemoryPrometheusMiddleware(registry=counted.registry)]
    )

    @broker.subscriber("orders")
    async def handle(body: str) -> None:
        raise error

    async with TestMemoryBroker(broker):
        with suppress(ValueError):
            await broker.publish("tea", "orders")
    here = {"handler": "orders"}
    assert counted("received_processed_messages_total", status=status, **here) == 1.0
    assert counted("received_messages_in_process", **here) == 0.0
    failures = counted(
        "received_processed_messages_exceptions_total", exception_type="ValueError", **here
    )
    assert failures == (1.0 if status == "error" else None)


@pytest.mark.parametrize(
    ("settle", "status"), [("ack", "acked"), ("nack", "nacked"), ("reject", "rejected")]
)
async def test_what_the_handler_settled_counts_more(settle: str, status: str) -> None:
    """A message that was settled by hand has that status, whatever is raised afterwards."""
    from anystream.memory.annotations import MemoryMessage

    counted = Counted()
    broker = MemoryBroker(
        logger=None, middlewares=[MemoryPrometheusMiddleware(registry=counted.registry)]
    )

    @broker.subscriber("orders", ack_policy=AckPolicy.MANUAL)
    async def handle(body: str, message: MemoryMessage) -> None:
        await getattr(message, settle)()
        raise ValueError("too late")

    async with TestMemoryBroker(broker):
        with pytest.raises(ValueError, match="too late"):
            await broker.publish("tea", "orders")
    here = {"handler": "orders"}
    assert counted("received_processed_messages_total", status=status, **here) == 1.0


async def test_subjects_without_acknowledgement_fail_as_errors() -> None:
    """Messages of NATS core count as acked from the start; one that fails is an error."""
    counted = Counted(broker="nats")
    broker = NatsBroker(
        logger=None, middlewares=[NatsPrometheusMiddleware(registry=counted.registry)]
    )

    @broker.subscriber("orders")
    async def handle(body: str) -> None:
        raise ValueError("no")

    async with TestNatsBroker(broker):
        with pytest.raises(ValueError, match="no"):
            await broker.publish("tea", "orders")
    found = counted("received_processed_messages_total", handler="orders", status="error")
    assert found == 1.0


async def test_acknowledged_first_counts_as_acked() -> None:
    """With ACK_FIRST a failing message is acked, and its exception is counted."""
    counted = Counted(broker="kafka")
    broker = KafkaBroker(
        logger=None, middlewares=[KafkaPrometheusMiddleware(registry=counted.registry)]
    )

    @broker.subscriber("orders", ack_policy=AckPolicy.ACK_FIRST)
    async def handle(body: str) -> None:
        raise ValueError("no")

    async with TestKafkaBroker(broker):
        with pytest.raises(ValueError, match="no"):
            await broker.publish("tea", "orders")
    here = {"handler": "orders"}
    assert counted("received_processed_messages_total", status="acked", **here) == 1.0
    assert (
        counted("received_processed_messages_exceptions_total", exception_type="ValueError", **here)
        == 1.0
    )


async def test_batches_count_their_messages() -> None:
    """Of a batch: the number of messages, the sum of their sizes; both ways."""
    counted = Counted(broker="kafka")
    broker = KafkaBroker(
        logger=None, middlewares=[KafkaPrometheusMiddleware(registry=counted.registry)]
    )

    @broker.subscriber("orders", batch=True)
    async def handle(bodies: list[str]) -> None: ...

    async with TestKafkaBroker(broker):
        await broker.publish_batch("tea", "milk", topic="orders")
    here = {"handler": "orders"}
    assert counted("received_messages_total", **here) == 2.0
    assert counted("received_messages_size_bytes_sum", **here) == 7.0
    assert counted("published_messages_total", destination="orders", status="success") == 2.0


async def test_requests_count_once() -> None:
    """A request is published, its reply and the answer are not counted."""
    counted = Counted()
    broker = MemoryBroker(
        logger=None, middlewares=[MemoryPrometheusMiddleware(registry=counted.registry)]
    )

    @broker.subscriber("orders")
    async def handle(body: str) -> str:
        return "paid"

    async with broker:
        await broker.start()
        answer = await broker.request("tea", "orders", timeout=5)
        assert await answer.decode() == "paid"
    seen = {
        (sample.name, sample.labels.get("handler"), sample.labels.get("destination"))
        for metric in counted.registry.collect()
        for sample in metric.samples
        if sample.name.endswith("messages_total")
    }
    assert seen == {
        ("anystream_received_messages_total", "orders", None),
        ("anystream_received_processed_messages_total", "orders", None),
        ("anystream_published_messages_total", None, "orders"),
    }


async def test_failed_publish() -> None:
    """What could not be published, and why; a None body counts nothing."""
    counted = Counted()
    async with broker_with(counted) as broker:
        with pytest.raises(Exception, match="cannot be encoded"):
            await broker.publish(object(), "orders")
        await broker.publish(None, "orders")
    there = {"destination": "orders"}
    assert counted("published_messages_total", status="error", **there) == 1.0
    assert counted("published_messages_total", status="success", **there) == 0.0
    assert (
        counted("published_messages_exceptions_total", exception_type="PublishError", **there)
        == 1.0
    )


async def test_cancelled_handler() -> None:
    """It is no longer in process, and an error, but no exception of the handler's."""
    counted = Counted()
    middleware = MemoryPrometheusMiddleware(registry=counted.registry)
    broker = MemoryBroker(logger=None, middlewares=[middleware], graceful_timeout=0.05)
    begun = asyncio.Event()

    @broker.subscriber("orders")
    async def handle(body: str) -> None:
        begun.set()
        await asyncio.Event().wait()

    await broker.start()
    await broker.publish("tea", "orders")
    await asyncio.wait_for(begun.wait(), 5)
    assert counted("received_messages_in_process", handler="orders") == 1.0
    await broker.stop()
    assert counted("received_messages_in_process", handler="orders") == 0.0
    found = counted("received_processed_messages_total", handler="orders", status="error")
    assert found == 1.0


async def test_names_and_labels_of_ones_own() -> None:
    """Prefix, application, buckets; fixed labels and such that look into the message."""
    registry = CollectorRegistry()
    middleware = MemoryPrometheusMiddleware(
        registry=registry,
        metrics_prefix="shop",
        app_name="till",
        received_messages_size_buckets=[1, 10],
        custom_labels={
            "zone": "eu",
            "user": lambda raw: raw.headers.get("user", "") if raw else "nobody",
        },
    )
    broker = MemoryBroker(logger=None, middlewares=[middleware])

    @broker.subscriber("orders")
    @broker.publisher("paid")
    async def handle(body: str) -> str:
        return body

    async with TestMemoryBroker(broker):
        await broker.publish("tea", "orders", headers={"user": "john"})
    common = {"app_name": "till", "broker": "memory", "zone": "eu"}

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"shop_{name}", {**common, **labels})

    assert value("received_messages_total", handler="orders", user="john") == 1.0
    assert (
        value("received_messages_size_bytes_bucket", handler="orders", user="john", le="10.0")
        == 1.0
    )
    sent = {"status": "success"}
    assert value("published_messages_total", destination="orders", user="nobody", **sent) == 1.0
    assert value("published_messages_total", destination="paid", user="john", **sent) == 1.0


async def test_one_registry_for_several_brokers() -> None:
    """Middlewares of one registry and prefix share their metrics."""
    counted = Counted()
    async with broker_with(counted) as one, broker_with(counted, app_name="other") as two:
        await one.publish("tea", "orders")
        await two.publish("tea", "orders")
    for name in ("anystream", "other"):
        assert counted("received_messages_total", handler="orders", app_name=name) == 1.0


def test_mistakes_are_explained() -> None:
    """No registry, unknown options, labels that clash, names that are taken."""
    with pytest.raises(SetupError, match="needs registry="):
        MemoryPrometheusMiddleware()  # type: ignore[call-arg]
    with pytest.raises(SetupError, match=r"no prometheus_client\.CollectorRegistry"):
        MemoryPrometheusMiddleware(registry=object())  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="did you mean 'registry'"):
        MemoryPrometheusMiddleware(registri=CollectorRegistry())  # type: ignore[call-arg]
    registry = CollectorRegistry()
    with pytest.raises(SetupError, match="'handler' is a label of the metrics already"):
        MemoryPrometheusMiddleware(registry=registry, custom_labels={"handler": "x"})
    with pytest.raises(SetupError, match="zone=3 is neither"):
        MemoryPrometheusMiddleware(
            registry=registry,
            custom_labels={"zone": 3},  # type: ignore[dict-item]
        )
    MemoryPrometheusMiddleware(registry=registry)
    with pytest.raises(SetupError, match=r"custom labels \[\], not \['zone'\]"):
        MemoryPrometheusMiddleware(registry=registry, custom_labels={"zone": "eu"})
    Counter("mine_received_messages_total", "somebody else's", registry=registry)
    with pytest.raises(SetupError, match="another metrics_prefix"):
        MemoryPrometheusMiddleware(registry=registry, metrics_prefix="mine")
