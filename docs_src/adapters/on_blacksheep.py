from blacksheep import Application, Request, Response, Router, WebSocket, accepted

from anystream.asgi import make_ping_asgi
from anystream.blacksheep import get_broker, use_anystream
from anystream.memory import MemoryBroker
from docs_src.adapters.streams import Audit, make_stream


async def order(item: str, broker: MemoryBroker, audit: Audit) -> Response:
    """Each broker is a service by its type."""
    await broker.publish(item, "orders")
    await audit.publish(item, "audit")
    return accepted()


async def nested(request: Request, item: str) -> Response:
    await get_broker(request).publish(item, "orders")
    return accepted()


async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await get_broker(websocket).publish(await websocket.receive_text(), "orders")
    await websocket.send_text("published")
    await websocket.close()


def make_app() -> Application:
    # applications share one router unless each is given its own
    app, sub = Application(router=Router()), Application(router=Router())
    app.router.add_post("/orders/{item}", order)
    app.router.add_ws("/socket", socket)
    sub.router.add_post("/{item}", nested)
    app.mount("/sub", sub)
    stream = make_stream()
    use_anystream(app, stream, asgi_routes=[("/health", make_ping_asgi(stream))])
    return app
