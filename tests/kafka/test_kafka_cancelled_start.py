"""A start that is given up leaves nothing open."""

from __future__ import annotations

import asyncio
import gc
import warnings

import pytest

from anystream.kafka import KafkaBroker

MOMENTS = [number * 0.0004 for number in range(50)]  # seconds; a whole start takes about 10 ms


@pytest.mark.kafka
async def test_a_cancelled_start_closes_its_sockets(kafka_url: str) -> None:
    """Whenever it is cancelled, also while the client asks its first question."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        for moment in MOMENTS:
            broker = KafkaBroker(kafka_url, logger=None)
            starting = asyncio.ensure_future(broker.start())
            await asyncio.wait({starting}, timeout=moment)
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            await broker.stop()
        del broker, starting
        gc.collect()
    assert [str(each.message) for each in heard if "nclosed" in str(each.message)] == []
