"""A consumer of a stream that runs until it is killed or told to stop.

Usage: consumer_process.py URL STREAM SUBJECT KIND LOG
It appends the number of every message that was handled to LOG.
"""

import asyncio
import os
import sys
from typing import Any

from anystream.core import FastStream
from anystream.nats import ConsumerConfig, JStream, NatsBroker, PullSub


def main(url: str, stream: str, subject: str, kind: str, path: str) -> None:
    log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    broker = NatsBroker(url, logger=None)
    options: dict[str, Any] = {"pull_sub": PullSub(batch_size=100)} if kind == "pull" else {}

    @broker.subscriber(
        subject,
        stream=JStream(stream, declare=False),
        durable=kind,
        config=ConsumerConfig(ack_wait=2.0),
        **options,
    )
    async def handle(number: int) -> None:
        await asyncio.sleep(0)
        os.write(log, b"%d\n" % number)

    asyncio.run(FastStream(broker, logger=None).run(sleep_time=0.02))


if __name__ == "__main__":
    main(*sys.argv[1:])
