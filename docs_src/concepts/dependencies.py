from collections.abc import AsyncIterator
from typing import Annotated

from anystream.core import Depends
from anystream.memory import MemoryBroker

log: list[str] = []


async def session() -> AsyncIterator[str]:
    """Opened before the handler, closed after it and before its result is published."""
    log.append("open")
    yield "session"
    log.append("close")


def limit() -> int:
    """A plain function runs in a thread."""
    return 100


async def audit() -> None:
    """Runs before every handler of the broker; its result is not used."""
    log.append("audit")


broker = MemoryBroker(dependencies=[Depends(audit)])


@broker.subscriber("orders")
async def order(
    price: float,
    session: Annotated[str, Depends(session)],
    limit: Annotated[int, Depends(limit)],
) -> bool:
    log.append("handle")
    return price <= limit
