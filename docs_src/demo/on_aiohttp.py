from aiohttp import web
from pydantic import ValidationError

from anystream.aiohttp import get_broker, setup
from anystream.core import FastStream
from docs_src.demo.orders import Order, health, invoices

routes = web.RouteTableDef()


@routes.post("/orders")
async def create(request: web.Request) -> web.Response:
    try:
        order = Order.model_validate_json(await request.read())
    except ValidationError as error:
        return web.json_response(text=error.json(), status=422)
    await get_broker(request).publish(order, "orders")
    return web.json_response({"accepted": order.item}, status=202)


@routes.get("/orders")
async def invoiced(request: web.Request) -> web.Response:
    return web.json_response([invoice.model_dump() for invoice in invoices])


def build(stream: FastStream) -> web.Application:
    app = web.Application()
    app.add_routes(routes)
    setup(
        app,
        stream,
        asgi_routes=health(stream),
        asyncapi_path="/docs/asyncapi",
    )
    return app


def serve(stream: FastStream, port: int) -> None:
    web.run_app(build(stream), host="127.0.0.1", port=port)
