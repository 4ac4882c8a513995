"""A process that consumes one message; spans go to a file: `python -m … BROKER ADDRESS FILE`."""

from __future__ import annotations

import asyncio
import sys

from anystream.opentelemetry import CurrentBaggage
from tests.observability.native import NATIVES
from tests.observability.web_shop import exporting, write_spans


async def main(name: str, address: str, file: str) -> None:
    exporter = exporting("stock")
    (native,) = [one for one in NATIVES if one.name == name]
    broker = native.broker(native.telemetry())
    handled = asyncio.Event()

    @broker.subscriber(address, **native.options)
    async def handle(body: str, baggage: CurrentBaggage) -> None:
        print(f"handled {body} of {baggage.get('user')}", flush=True)
        handled.set()

    async with broker:
        await broker.start()
        await broker.ping(5)
        print("ready", flush=True)
        await asyncio.wait_for(handled.wait(), 60)
    write_spans(exporter, file)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
