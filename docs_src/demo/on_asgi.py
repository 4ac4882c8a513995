import uvicorn
from pydantic import ValidationError

from anystream.asgi import AsgiFastStream, AsgiResponse, JSONResponse, get, post
from anystream.asgi.annotations import Request
from anystream.core import FastStream
from docs_src.demo.orders import Order, health, invoices


def build(stream: FastStream) -> AsgiFastStream:
    @post
    async def create(request: Request) -> AsgiResponse:
        try:
            order = Order.model_validate_json(await request.body())
        except ValidationError as error:
            return AsgiResponse(error.json().encode(), 422, {"content-type": "application/json"})
        await stream.broker.publish(order, "orders")
        return JSONResponse({"accepted": order.item}, 202)

    @get
    async def invoiced() -> AsgiResponse:
        return JSONResponse([invoice.model_dump() for invoice in invoices])

    app: AsgiFastStream = stream.as_asgi(
        asgi_routes=[
            *health(stream),
            ("/orders", invoiced),
            ("/orders", create),
        ],
        asyncapi_path="/docs/asyncapi",
    )
    return app


def serve(stream: FastStream, port: int) -> None:
    uvicorn.run(build(stream), host="127.0.0.1", port=port)
