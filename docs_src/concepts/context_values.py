from typing import Annotated

from anystream.core import Context, FastStream
from anystream.core.annotations import ContextRepo
from anystream.core.context import ContextRepo as Values
from anystream.memory import MemoryBroker

broker = MemoryBroker()
app = FastStream(broker, context=Values({"currency": "EUR"}))


@app.on_startup
async def open_stock(context: ContextRepo) -> None:
    context.set_global("stock", {"tea": 3})


@broker.subscriber("orders")
async def order(
    item: str,
    stock: Annotated[dict[str, int], Context()],
    tea: Annotated[int, Context("stock.tea")],
    seen: Annotated[list[str], Context(initial=list)],
    currency: str = Context(),
) -> str:
    seen.append(item)
    return f"{item}: {stock[item]} of {tea}, {currency}, {len(seen)} seen"
