from typing import Annotated

from fastapi import Depends, FastAPI, Request, WebSocket

from anystream.asgi import make_ping_asgi
from anystream.fastapi import broker_of, get_broker, setup
from anystream.memory import MemoryBroker
from docs_src.adapters.streams import Audit, make_stream

Orders = Annotated[MemoryBroker, Depends(broker_of(MemoryBroker))]
Notes = Annotated[Audit, Depends(broker_of(Audit))]


async def order(item: str, orders: Orders, notes: Notes) -> None:
    await orders.publish(item, "orders")
    await notes.publish(item, "audit")


async def nested(item: str, request: Request) -> None:
    await get_broker(request).publish(item, "orders")


async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await get_broker(websocket).publish(await websocket.receive_text(), "orders")
    await websocket.send_text("published")
    await websocket.close()


def make_app() -> FastAPI:
    app, sub = FastAPI(), FastAPI()
    app.post("/orders/{item}", status_code=202)(order)
    app.websocket("/socket")(socket)
    sub.post("/{item}", status_code=202)(nested)
    app.mount("/sub", sub)
    stream = make_stream()
    setup(app, stream, asgi_routes=[("/health", make_ping_asgi(stream))])
    return app
