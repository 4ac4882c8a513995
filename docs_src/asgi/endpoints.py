from typing import Annotated, Any

from anystream.asgi import (
    AsgiFastStream,
    AsgiResponse,
    Header,
    JSONResponse,
    Query,
    Request,
    get,
    post,
)
from anystream.core import Context, Depends, Logger
from anystream.memory import MemoryBroker

broker = MemoryBroker()


@broker.subscriber("orders")
async def order(item: str) -> None: ...


async def shop_name() -> str:
    return "corner shop"


@get
async def liveness(scope: dict[str, Any]) -> AsgiResponse:
    """A first argument without a marker receives the ASGI scope."""
    return AsgiResponse(b"", status_code=200)


@get(description="Looks something up.", tags=["search"])
async def search(
    logger: Logger,
    app: Annotated[AsgiFastStream, Context("app")],
    shop: Annotated[str, Depends(shop_name)],
    words: Annotated[list[str], Query("q")],
    token: Annotated[str, Header("x-token", default="")],
) -> AsgiResponse:
    logger.log(20, f"{shop} is asked for {words}")
    return JSONResponse({"words": words, "token": token, "brokers": len(app.brokers)})


@post(include_in_schema=False)
async def create(request: Request) -> AsgiResponse:
    await broker.publish((await request.json())["item"], "orders")
    return AsgiResponse(status_code=202)


app = AsgiFastStream(broker, asgi_routes=[("/live", liveness), ("/orders", create)])
app.mount("/search", search)
