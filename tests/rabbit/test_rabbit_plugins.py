"""Exchanges of plugins, on a node of our own that has them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from anystream.rabbit import ExchangeType, RabbitBroker, RabbitExchange, RabbitQueue
from tests.faults.servers import RabbitServer
from tests.waiting import Seen, running

pytestmark = [pytest.mark.rabbit, pytest.mark.slow]


class NodeWithPlugins(RabbitServer):
    """A node with the plugins of hash exchanges."""

    def prepare(self) -> None:
        super().prepare()
        plugins = "[rabbitmq_consistent_hash_exchange,rabbitmq_sharding].\n"
        (self.folder / "enabled_plugins").write_text(plugins)


@pytest.fixture(scope="module")
def node_url() -> Iterator[str]:
    """The address of that node."""
    with tempfile.TemporaryDirectory() as folder:
        node = NodeWithPlugins(Path(folder))
        try:
            node.start()
            yield node.url()
        finally:
            node.close()


@pytest.mark.parametrize("kind", [ExchangeType.X_CONSISTENT_HASH, ExchangeType.X_MODULUS_HASH])
async def test_hash_exchanges(node_url: str, seen: Seen, kind: ExchangeType) -> None:
    """All messages of a key go to one queue, and all queues get some keys."""
    broker = RabbitBroker(node_url, logger=None)
    exchange = RabbitExchange(kind.value, kind)
    for number in range(3):

        def declare(number: int) -> None:
            # the binding key is the weight in a consistent hash
            @broker.subscriber(RabbitQueue(f"{kind.value}.{number}", routing_key="10"), exchange)
            async def handle(key: str) -> None:
                seen((key, number))

        declare(number)
    async with running(broker):
        for _ in range(2):
            for key in range(40):
                await broker.publish(str(key), routing_key=str(key), exchange=exchange)
        got = set(await seen.count(80))
    assert len(got) == 40
    assert {number for _, number in got} == {0, 1, 2}
