"""Applications with pages that are hard to show: `apps.py PORT`, each below a path of its own."""

from __future__ import annotations

import sys
from typing import Any, Literal

import uvicorn
from pydantic import BaseModel, Field
from starlette.applications import Starlette
from starlette.routing import Mount

from anystream.asgi import HttpBasic, make_asyncapi_asgi
from anystream.memory import MemoryBroker
from anystream.specification import AsyncAPI

EVIL = "</title></script><script>window.hacked = 1</script>"
WORSE = EVIL + "<img src=x onerror='window.hacked = 1'><a href='javascript:window.hacked=1'>x</a>"


class Node(BaseModel):
    name: str = Field(examples=["root"])
    kind: Literal["leaf", "branch"] = "leaf"
    children: list[Node] = []


def hostile(text: str) -> Any:
    """Everything that is text is markup."""
    broker = MemoryBroker(description=text, tags=[{"name": text, "description": text}])

    @broker.subscriber("in", title=f"T {text}", description=text)
    async def handle(body: str = Field(description=text, title=text, examples=[text])) -> str:
        return f"got {body}"

    broker.publisher("out", description=text, schema=Node)
    return broker


def various() -> Any:
    """Parameters, recursive and several models, unknown types, many channels."""
    broker = MemoryBroker()

    @broker.subscriber("logs.{level}")
    async def log(body: Node, broker: Any = None) -> Node:
        return body

    @broker.subscriber("several.{place}", title="Sea/side {x}?#")
    async def several(x: int, node: Node | None = None) -> int:
        return x

    for number in range(8):
        broker.subscriber(f"many.{number}")(handle_none)
    return broker


async def handle_none() -> None: ...


def mounts() -> dict[str, Any]:
    """The pages by their paths."""
    about = {"description": EVIL, "version": EVIL}
    pages: dict[str, Any] = {}
    for version in ("3.0.0", "2.6.0"):
        for name, text in (("hostile", EVIL), ("worse", WORSE)):
            source = AsyncAPI(hostile(text), title=text, schema_version=version, **about)
            pages[f"/{name}/{version}"] = make_asyncapi_asgi(source)
        pages[f"/various/{version}"] = make_asyncapi_asgi(
            AsyncAPI(various(), schema_version=version)
        )
    guard = HttpBasic({"ann": "secret"})
    pages["/guarded"] = make_asyncapi_asgi(various(), guard=guard)
    real = various()
    pages["/real"] = make_asyncapi_asgi(real, try_it_out_real_broker=True)
    pages["/less"] = make_asyncapi_asgi(various(), try_it_out=False, servers=False)
    return pages


if __name__ == "__main__":
    app = Starlette(routes=[Mount(path, page) for path, page in mounts().items()])
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
