"""Topics that were deleted under a running consumer: it looks whether they are there again."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

from aiokafka import errors as native

from anystream.kafka.connection import ask_for_topics

LOOK_EVERY = 2.0
ANSWER_TIMEOUT = 5.0


async def look_for_absent_topics(consumer: Any) -> None:
    """Looks for ever. A consumer that has no partition asks for nothing, so the client would hear
    of a topic that was made again only when its metadata are too old (`metadata_max_age_ms`, five
    minutes). When it hears of it, it divides the partitions anew and reads from what is committed
    for them, or from where `auto_offset_reset` says.

    Args:
        consumer: the client's, started.
    """
    client = consumer._client
    wanted: dict[str, float] = {}  # topic -> when the client last wanted it
    while True:
        now = time.monotonic()
        # with a pattern the client no longer wants a topic that is gone; one that stays away is
        # left to its next metadata
        wanted |= dict.fromkeys({*client._topics, *consumer.subscription()}, now)
        oldest = now - client._metadata_max_age_ms / 1000
        wanted = {topic: at for topic, at in wanted.items() if at >= oldest}
        await asyncio.sleep(LOOK_EVERY)
        absent = [topic for topic in wanted if not consumer.partitions_for_topic(topic)]
        if not absent:
            continue
        with suppress(native.KafkaError, OSError, asyncio.TimeoutError):
            # the client's own question would make a topic that somebody wants to be gone
            answer = await asyncio.wait_for(ask_for_topics(client, absent), ANSWER_TIMEOUT)
            if any(entry[0] == native.NoError.errno for entry in answer.topics):
                await asyncio.wait_for(client.force_metadata_update(), ANSWER_TIMEOUT)
