from pydantic import BaseModel

from anystream.asgi import AsgiResponse, AsyncAPIRoute, get
from anystream.core import AsyncAPI, FastStream
from anystream.memory import MemoryBroker
from anystream.specification import Contact


class Order(BaseModel):
    item: str


broker = MemoryBroker(description="Inside the process")
about = AsyncAPI(title="Shop", version="1.2.0", contact=Contact("Ops", email="ops@example.com"))
stream = FastStream(broker, specification=about)


@broker.subscriber("orders", title="Orders", description="What was ordered.")
async def order(order: Order) -> None: ...


@get
async def version() -> AsgiResponse:
    """The version that is deployed."""
    return AsgiResponse(b"1.2.0")


app = stream.as_asgi(
    asgi_routes=[("/version", version)],
    asyncapi_path=AsyncAPIRoute("/docs/asyncapi", include_in_schema=True),
)
