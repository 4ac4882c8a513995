import asyncio

from anystream.core import AckPolicy
from anystream.core.exceptions import NackMessage
from anystream.memory import MemoryBroker, MemoryMessage

broker = MemoryBroker()
taken: asyncio.Queue[str] = asyncio.Queue()


@broker.subscriber("sensors.*.temperature")
async def one_part(value: float) -> None:
    taken.put_nowait(f"* {value}")


@broker.subscriber("sensors.>")
async def all_below(body: object, message: MemoryMessage) -> None:
    taken.put_nowait(f"> {message.raw_message.subject}")


@broker.subscriber("work", queue="workers")
async def first_member(number: int) -> None:
    taken.put_nowait(f"work {number}")


@broker.subscriber("work", queue="workers")
async def second_member(number: int) -> None:
    taken.put_nowait(f"work {number}")


@broker.subscriber("lines", batch=True)
async def together(lines: list[str]) -> None:
    for line in lines:
        taken.put_nowait(f"line {line}")


@broker.subscriber("retry", ack_policy=AckPolicy.NACK_ON_ERROR, max_workers=4)
async def again(text: str, message: MemoryMessage) -> None:
    if message.raw_message.delivered < 3:
        raise NackMessage(delay=0.01)
    taken.put_nowait(f"{text} at delivery {message.raw_message.delivered}")
