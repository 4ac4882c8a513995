from typing import Any

from pydantic import ValidationError
from sanic import HTTPResponse, Request, Sanic, json

from anystream.core import FastStream
from anystream.sanic import get_broker, setup
from docs_src.demo.orders import Order, health, invoices


async def create(request: Request) -> HTTPResponse:
    try:
        order = Order.model_validate_json(request.body)
    except ValidationError as error:
        return HTTPResponse(error.json(), status=422, content_type="application/json")
    await get_broker(request).publish(order, "orders")
    return json({"accepted": order.item}, status=202)


async def invoiced(request: Request) -> HTTPResponse:
    return json([invoice.model_dump() for invoice in invoices])


def build(stream: FastStream) -> Any:
    app = Sanic("orders")
    app.add_route(create, "/orders", methods=["POST"])
    app.add_route(invoiced, "/orders", methods=["GET"])
    setup(
        app,
        stream,
        asgi_routes=health(stream),
        asyncapi_path="/docs/asyncapi",
    )
    return app


def serve(stream: FastStream, port: int) -> None:
    build(stream).run(host="127.0.0.1", port=port, single_process=True)
