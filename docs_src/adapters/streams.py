"""The stream that the examples of all frameworks share."""

from anystream.core import FastStream
from anystream.memory import MemoryBroker

taken: list[str] = []


class Audit(MemoryBroker):
    """A second broker, to be asked for by its type."""


def make_stream() -> FastStream:
    orders, audit = MemoryBroker(), Audit()

    @orders.subscriber("orders")
    async def order(item: str) -> None:
        taken.append(item)

    @audit.subscriber("audit")
    async def note(item: str) -> None:
        taken.append(f"audit {item}")

    return FastStream(orders, audit)
