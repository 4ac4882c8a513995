from typing import Any

import falcon
import falcon.asgi
import uvicorn
from pydantic import ValidationError

from anystream.core import FastStream
from anystream.falcon import get_broker, setup
from docs_src.demo.orders import Order, health, invoices


class Orders:
    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        try:
            order = Order.model_validate_json(await req.stream.read())
        except ValidationError as error:
            raise falcon.HTTPUnprocessableEntity(description=error.json()) from None
        await get_broker(req).publish(order, "orders")
        resp.status = falcon.HTTP_202
        resp.media = {"accepted": order.item}

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        resp.media = [invoice.model_dump() for invoice in invoices]


def build(stream: FastStream) -> Any:
    app = falcon.asgi.App()
    app.add_route("/orders", Orders())
    setup(
        app,
        stream,
        asgi_routes=health(stream),
        asyncapi_path="/docs/asyncapi",
    )
    return app


def serve(stream: FastStream, port: int) -> None:
    uvicorn.run(build(stream), host="127.0.0.1", port=port)
