import uvicorn
from blacksheep import Application, Request, Response, json
from blacksheep.contents import Content
from pydantic import ValidationError

from anystream.blacksheep import get_broker, setup
from anystream.core import FastStream
from docs_src.demo.orders import Order, health, invoices


def build(stream: FastStream) -> Application:
    app = Application()

    @app.router.post("/orders")
    async def create(request: Request) -> Response:
        try:
            order = Order.model_validate_json(await request.read() or b"")
        except ValidationError as error:
            return Response(422, content=Content(b"application/json", error.json().encode()))
        await get_broker(app).publish(order, "orders")
        return json({"accepted": order.item}, status=202)

    @app.router.get("/orders")
    async def invoiced() -> Response:
        return json([invoice.model_dump() for invoice in invoices])

    setup(
        app,
        stream,
        asgi_routes=health(stream),
        asyncapi_path="/docs/asyncapi",
    )
    return app


def serve(stream: FastStream, port: int) -> None:
    uvicorn.run(build(stream), host="127.0.0.1", port=port)
