from typing import Annotated

from fastapi import Depends, FastAPI

from anystream.asgi import make_ping_asgi
from anystream.fastapi import get_broker, setup
from anystream.nats import NatsBroker
from docs_src.readme.stream import Order, broker, stream

app = FastAPI()


@app.post("/orders", status_code=202)
async def order(data: Order, nats: Annotated[NatsBroker, Depends(get_broker)]) -> None:
    await nats.publish(data, "orders")


setup(app, stream, asgi_routes=[("/health", make_ping_asgi(broker, timeout=5.0))])
