from typing import Any

import falcon.asgi

from anystream.asgi import make_ping_asgi
from anystream.falcon import get_broker, setup
from docs_src.adapters.streams import Audit, make_stream


class Orders:
    async def on_post(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, item: str
    ) -> None:
        await req.context.anystream.broker.publish(item, "orders")
        await get_broker(req, Audit).publish(item, "audit")
        resp.status = 202

    async def on_websocket(
        self, req: falcon.asgi.Request, ws: falcon.asgi.WebSocket, item: str
    ) -> None:
        await ws.accept()
        await get_broker(req).publish(item, "orders")
        await ws.send_text("published")
        await ws.close()


def make_app() -> Any:
    app = falcon.asgi.App()
    app.add_route("/orders/{item}", Orders())
    stream = make_stream()
    setup(app, stream, asgi_routes=[("/health", make_ping_asgi(stream))])
    return app
