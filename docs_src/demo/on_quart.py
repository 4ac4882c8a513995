from pydantic import ValidationError
from quart import Quart, Response, jsonify, request
from quart.typing import ResponseReturnValue

from anystream.core import FastStream
from anystream.quart import get_broker, setup
from docs_src.demo.orders import Order, health, invoices


async def create() -> ResponseReturnValue:
    try:
        order = Order.model_validate_json(await request.get_data())
    except ValidationError as error:
        return Response(error.json(), status=422, content_type="application/json")
    await get_broker().publish(order, "orders")
    return {"accepted": order.item}, 202


async def invoiced() -> ResponseReturnValue:
    return jsonify([invoice.model_dump() for invoice in invoices])


def build(stream: FastStream) -> Quart:
    app = Quart(__name__)
    app.post("/orders")(create)
    app.get("/orders")(invoiced)
    setup(
        app,
        stream,
        asgi_routes=health(stream),
        asyncapi_path="/docs/asyncapi",
    )
    return app


def serve(stream: FastStream, port: int) -> None:
    build(stream).run(host="127.0.0.1", port=port)
