from typing import Annotated, Any

import uvicorn
from fastapi import Depends, FastAPI

from anystream.core import FastStream
from anystream.fastapi import get_broker, setup
from docs_src.demo.orders import Invoice, Order, health, invoices


def build(stream: FastStream) -> FastAPI:
    app = FastAPI()

    @app.post("/orders", status_code=202)
    async def create(order: Order, broker: Annotated[Any, Depends(get_broker)]) -> dict[str, str]:
        await broker.publish(order, "orders")
        return {"accepted": order.item}

    @app.get("/orders")
    async def invoiced() -> list[Invoice]:
        return invoices

    setup(
        app,
        stream,
        asgi_routes=health(stream),
        asyncapi_path="/docs/asyncapi",
    )
    return app


def serve(stream: FastStream, port: int) -> None:
    uvicorn.run(build(stream), host="127.0.0.1", port=port)
