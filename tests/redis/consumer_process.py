"""A consumer of a stream's group that runs until it is killed or told to stop.

Usage: consumer_process.py URL STREAM LOG
It appends the number of every message that was handled to LOG.
"""

import asyncio
import os
import sys

from anystream.core import FastStream
from anystream.redis import RedisBroker, StreamSub


def main(url: str, stream: str, path: str) -> None:
    log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    broker = RedisBroker(url, logger=None)

    @broker.subscriber(stream=StreamSub(stream, group="g", consumer="c", group_start="0"))
    async def handle(number: int) -> None:
        await asyncio.sleep(0)
        os.write(log, b"%d\n" % number)

    asyncio.run(FastStream(broker, logger=None).run(sleep_time=0.02))


if __name__ == "__main__":
    main(*sys.argv[1:])
