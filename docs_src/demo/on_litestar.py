from typing import Any

import uvicorn
from litestar import Litestar, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from anystream.core import FastStream
from anystream.litestar import AnystreamPlugin
from docs_src.demo.orders import Invoice, Order, health, invoices


@post("/orders", status_code=202)
async def create(data: JSONBody[Order], anystream: NamedDependency[Any]) -> dict[str, str]:
    await anystream.publish(data, "orders")
    return {"accepted": data.item}


@get("/orders")
async def invoiced() -> list[Invoice]:
    return invoices


def build(stream: FastStream) -> Litestar:
    plugin = AnystreamPlugin(
        stream,
        asgi_routes=health(stream),
        asyncapi_path="/docs/asyncapi",
    )
    return Litestar([create, invoiced], plugins=[plugin])


def serve(stream: FastStream, port: int) -> None:
    uvicorn.run(build(stream), host="127.0.0.1", port=port)
