from anystream.core import Depends
from anystream.memory import MemoryBroker, MemoryPublisher, MemoryRoute, MemoryRouter


async def check_version(version: int = 1) -> None:
    if version > 2:
        raise ValueError("unknown version")


async def stored(number: int) -> int:
    return number + 1


router = MemoryRouter(
    prefix="shop.",
    handlers=[MemoryRoute(stored, "store", publishers=[MemoryPublisher("stored")])],
    dependencies=[Depends(check_version)],
)


@router.subscriber("orders.{number}")
async def order(item: str) -> None:
    """Reads `v1.shop.orders.*` when it is included below."""


broker = MemoryBroker()
broker.include_router(router, prefix="v1.")
