from typing import Annotated

from pydantic import BaseModel

from anystream.core import Context, Depends, Header, Logger, NoCast, Path
from anystream.memory import MemoryBroker, MemoryMessage


class Order(BaseModel):
    item: str
    price: float


broker = MemoryBroker()


async def tax(price: float) -> float:
    """A dependency takes what it needs from the body, by name."""
    return price * 0.2


@broker.subscriber("whole")
async def one_parameter(order: Order) -> None:
    """One parameter takes the whole body."""


@broker.subscriber("parts")
async def several_parameters(item: str, price: float = 1.0) -> None:
    """Several take a mapping by name, or a sequence by position."""


@broker.subscriber("orders.{shop}")
async def everything(
    order: Order,
    message: MemoryMessage,
    logger: Logger,
    raw: Annotated[dict[str, object], Context("message.headers")],
    shop: str = Path(),
    trace: str = Header("x-trace", default="none"),
    currency: str = Context("currency", default="EUR"),
) -> None:
    logger.log(20, f"{shop}: {order.item} {trace} {currency} {message.correlation_id}")


@broker.subscriber("taxed")
async def with_dependency(price: float, due: Annotated[float, Depends(tax)]) -> None:
    """`price` is given to both; `due` is what `tax` returned."""


@broker.subscriber("untouched")
async def without_validation(body: NoCast[Order]) -> None:
    """`body` is the decoded JSON as it came."""
