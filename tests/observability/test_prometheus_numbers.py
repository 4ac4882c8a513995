"""Our numbers look like the client's own metrics, and give way to them between processes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import prometheus_client
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics

from anystream.prometheus.numbers import Buckets, Distribution, Number, Numbers

pytestmark = pytest.mark.memory

BOUNDS = (0.5, 1, 16, 1048576.0)
LABELS = ("app", "handler")


class Pair:
    """The same metrics twice: the client's, and ours."""

    def __init__(self, bounds: tuple[float, ...] = BOUNDS) -> None:
        self.theirs, self.ours = CollectorRegistry(), CollectorRegistry()

        def both(kind: Any, name: str, **more: Any) -> tuple[Any, Any]:
            theirs = kind(name, "Text", LABELS, registry=self.theirs, **more)
            like = kind(name, "Text", LABELS, registry=None, **more)
            if kind is Histogram:
                return theirs, Distribution(like, LABELS, self.ours, bounds)
            return theirs, Numbers(like, LABELS, self.ours)

        self.counter = both(Counter, "shop_orders_total")
        self.gauge = both(Gauge, "shop_waiting")
        self.histogram = both(Histogram, "shop_seconds", buckets=bounds)

    def note(self, amount: float, *labels: str) -> None:
        for metric in self.counter:
            metric.labels(*labels).inc(amount)
        for metric in self.gauge:
            metric.labels(*labels).dec(amount)
        for metric in self.histogram:
            metric.labels(*labels).observe(amount)

    def text(self, write: Any = generate_latest) -> tuple[list[str], list[str]]:
        """What is scraped; when a metric was made is not compared."""
        return without_times(write(self.theirs)), without_times(write(self.ours))


def without_times(data: bytes) -> list[str]:
    lines = data.decode().split("\n")
    return [line.rsplit(" ", 1)[0] if "_created{" in line else line for line in lines]


amounts = st.sampled_from((0, 0.5, 1, 3, 16, 17, 1e6, 1e9)) | st.integers(0, 10**12)


@given(st.lists(st.tuples(amounts, st.sampled_from(("a", "b")), st.text())))
def test_scraped_like_the_clients_own(notes: list[tuple[float, str, str]]) -> None:
    """Text and OpenMetrics are the same to the letter, order included."""
    pair = Pair()
    for amount, *labels in notes:
        pair.note(amount, *labels)
    for write in (generate_latest, openmetrics):
        theirs, ours = pair.text(write)
        assert ours == theirs


def test_buckets_below_zero() -> None:
    """A histogram that takes negative amounts has no sum."""
    pair = Pair((-1.0, 0.0, float("inf")))
    pair.note(0.5, "a", "b")
    theirs, ours = pair.text()
    assert ours == theirs
    assert not any("_sum" in line for line in ours)


def test_times_of_creation_only_when_the_client_has_them() -> None:
    """`disable_created_metrics` counts for ours, too."""
    pair = Pair()
    pair.note(1, "a", "b")
    assert any("_created{" in line for line in pair.text()[1])
    prometheus_client.disable_created_metrics()
    try:
        theirs, ours = pair.text()
    finally:
        prometheus_client.enable_created_metrics()
    assert ours == theirs
    assert not any("_created{" in line for line in ours)


def test_some_names_only() -> None:
    """A scrape of chosen names finds ours."""
    pair = Pair()
    pair.note(2, "a", "b")
    names = ["shop_orders_total", "shop_seconds_count"]
    for registry in (pair.theirs, pair.ours):
        found = registry.restricted_registry(names).collect()
        samples = [sample for metric in found for sample in metric.samples]
        assert {sample.name: sample.value for sample in samples} == {names[0]: 2, names[1]: 1}


def test_names_are_taken() -> None:
    """A metric of the same name is refused, as by the client."""
    pair = Pair()
    with pytest.raises(ValueError, match="shop_orders"):
        Counter("shop_orders", "Text", registry=pair.ours)


def test_nothing_is_lost_between_threads() -> None:
    """Brokers in several threads may count in one registry."""
    number, buckets, times = Number(), Buckets((1.0, float("inf"))), 50_000

    def count() -> None:
        for _ in range(times):
            number.inc()
            buckets.observe(2)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=count) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert number.value == 4 * times
    assert buckets.counts == [0, 4 * times]
    assert buckets.total == 8 * times


WORKER = """
import asyncio
from prometheus_client import CollectorRegistry
from anystream.memory import MemoryBroker, TestMemoryBroker
from anystream.memory.prometheus import MemoryPrometheusMiddleware

broker = MemoryBroker(
    logger=None, middlewares=[MemoryPrometheusMiddleware(registry=CollectorRegistry())]
)

@broker.subscriber("orders")
async def handle(body: str) -> None: ...

async def main() -> None:
    async with TestMemoryBroker(broker):
        for _ in range(3):
            await broker.publish("tea", "orders")

asyncio.run(main())
"""


def test_several_processes_share_their_numbers(tmp_path: Path) -> None:
    """With PROMETHEUS_MULTIPROC_DIR the numbers of all workers are added up, as the client does."""
    env = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for _ in range(2):
        subprocess.run([sys.executable, "-c", WORKER], env=env, check=True, timeout=60)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(tmp_path))
    labels = {"app_name": "anystream", "broker": "memory", "handler": "orders"}

    def value(name: str, **more: str) -> float | None:
        return registry.get_sample_value(f"anystream_{name}", {**labels, **more})

    assert value("received_messages_total") == 6
    assert value("received_messages_size_bytes_sum") == 18
    assert value("received_processed_messages_total", status="acked") == 6
