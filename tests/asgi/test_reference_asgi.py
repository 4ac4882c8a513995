"""What people know of AsgiFastStream, where no other module of these tests has it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import httpx
import msgspec
import pytest
import websockets
from fast_depends import Provider
from fast_depends.msgspec import MsgSpecSerializer
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from anystream import asgi
from anystream.asgi import (
    AsgiFastStream,
    AsgiResponse,
    Header,
    JSONResponse,
    Query,
    Request,
    get,
    make_ping_asgi,
    post,
)
from anystream.core import Context, ContextRepo, Depends, FastStream
from anystream.core.annotations import ContextRepo as RepoArgument
from anystream.core.annotations import FastStream as AppArgument
from anystream.core.annotations import Logger
from anystream.core.exceptions import StartupValidationError
from anystream.memory import MemoryBroker
from anystream.specification import AsyncAPI
from tests.asgi.uvicorn_server import served

VERBS = ("get", "post", "put", "patch", "delete", "head", "options")
NAMES = {
    "asgi": "AsgiFastStream AsgiResponse AsyncAPIRoute Header HttpHandler Query Request get post "
    "make_asyncapi_asgi make_ping_asgi",
    "asgi.response": "AsgiResponse JSONResponse",
    "asgi.request": "AsgiRequest ClientDisconnectError",
    "asgi.factories": "TryItOutProcessor make_try_it_out_handler",
    "asgi.handlers": "GetHandler PostHandler HttpHandler",
    "asgi.params": "Header Query",
    "asgi.annotations": "Request",
}


@pytest.mark.parametrize("module", NAMES)
def test_names(module: str) -> None:
    """Everything is where it is looked for."""
    found = import_module(f"anystream.{module}")
    assert [name for name in NAMES[module].split() if not hasattr(found, name)] == []


def endpoint(verb: str) -> Any:
    async def answer(scope: Any) -> AsgiResponse:
        return AsgiResponse(verb.encode())

    return getattr(asgi, verb)(answer)


async def test_plain_function_with_everything() -> None:
    """In a thread, with what is awaited for it; a resource is closed after the handler."""
    journal: list[str] = []

    async def resource() -> AsyncIterator[str]:
        journal.append("open")
        yield "r"
        journal.append("close")

    def words(r: str = Depends(resource), q: Any = Query()) -> list[str]:
        return [r, *q]

    @get
    def search(
        scope: Any,
        repo: RepoArgument,
        app: AppArgument,
        logger: Logger,
        found: Annotated[list[str], Depends(words)],
        path: str = Context("request.path"),
    ) -> AsgiResponse:
        journal.append("handler")
        same = repo is app.context and logger is app.logger
        return JSONResponse([*found, same, path, scope["path"]])

    async with served(AsgiFastStream(MemoryBroker(), asgi_routes=[("/s", search)])) as client:
        answer = await client.get("/s?q=a&q=b")
    assert answer.json() == ["r", "a", "b", True, "/s", "/s"]
    assert journal == ["open", "handler", "close"]


async def test_methods_and_callables() -> None:
    """A bound method and an object that can be called are handlers, too."""

    class Pages:
        async def show(self, request: Request) -> AsgiResponse:
            return AsgiResponse(request.method.encode())

        def __call__(self, scope: Any) -> AsgiResponse:
            return AsgiResponse(b"called")

    pages = Pages()
    routes = [("/bound", get(pages.show)), ("/called", get(pages))]
    async with served(AsgiFastStream(MemoryBroker(), asgi_routes=routes)) as client:
        assert (await client.get("/bound")).text == "GET"
        assert (await client.get("/called")).text == "called"


async def test_query_of_the_request_in_hand() -> None:
    """A global value called `request` does not come between a handler and its query."""

    @get
    async def search(q: Any = Query(), token: str = Header("x-token")) -> AsgiResponse:
        return JSONResponse([q, token])

    app = AsgiFastStream(MemoryBroker(), asgi_routes=[("/s", search)])
    app.context.set_global("request", "somebody else's")
    async with served(app) as client:
        answer = await client.get("/s?q=a", headers={"x-token": "t"})
    assert answer.json() == [["a"], "t"]


@pytest.mark.parametrize("version", ["3.0.0", "2.6.0"])
def test_every_verb_is_in_the_document(version: str) -> None:
    """With its method and its path, also where several share one."""
    routes = [(path, endpoint(verb)) for verb in VERBS for path in ("/all", f"/{verb}")]
    specification = AsyncAPI(schema_version=version)
    app = AsgiFastStream(MemoryBroker(), specification=specification, asgi_routes=routes)
    found = app.schema.to_specification().to_jsonable()
    shown: list[tuple[str, str]] = []
    if version == "3.0.0":
        for operation in found["operations"].values():
            channel = found["channels"][operation["channel"]["$ref"].rpartition("/")[2]]
            shown.append((channel["address"], operation["bindings"]["http"]["method"]))
    else:
        for key, channel in found["channels"].items():
            method = channel["subscribe"]["bindings"]["http"]["method"].partition(",")[0]
            shown.append((key.partition(":")[0], method))
    expected = [(path, verb.upper()) for verb in VERBS for path in ("/all", f"/{verb}")]
    assert sorted(shown) == sorted(expected)


def test_all_of_the_application_goes_along() -> None:
    """`as_asgi` keeps specification, context, provider, serializer, logger and lifespan."""

    async def lifespan() -> AsyncIterator[None]:
        yield

    original = FastStream(
        MemoryBroker(),
        specification=AsyncAPI(title="Mine"),
        context=ContextRepo({"a": 1}),
        provider=Provider(),
        serializer=MsgSpecSerializer(),
        logger=None,
        lifespan=lifespan,
    )
    app: AsgiFastStream = original.as_asgi()
    assert app.schema is original.schema
    assert app.context is original.context
    assert app.config.provider is original.config.provider
    assert app.config.serializer is original.config.serializer
    assert app.logger is None
    assert app.lifespan is original.lifespan


async def test_arguments_by_msgspec() -> None:
    """The serializer of the application validates the arguments; 422 where it refuses."""

    @get
    async def pages(ids: Annotated[list[int], Query("id", cast=True)]) -> AsgiResponse:
        return AsgiResponse(msgspec.json.encode(ids))

    app = AsgiFastStream(
        MemoryBroker(), asgi_routes=[("/p", pages)], serializer=MsgSpecSerializer(), logger=None
    )
    async with served(app) as client:
        assert (await client.get("/p?id=1&id=2")).json() == [1, 2]
        refused = await client.get("/p?id=x")
    assert (refused.status_code, refused.text) == (422, "Validation error")


async def test_refusals_say_what_is_the_matter() -> None:
    """404, 405, 422 and 500 are plain text, with a length, and 405 names the methods."""

    @post
    async def order(request: Request, n: Any = Query()) -> AsgiResponse:
        raise KeyError((await request.json())["item"])

    app = AsgiFastStream(MemoryBroker(), asgi_routes=[("/o", order)], logger=None)
    async with served(app) as client:
        answers = [
            await client.post("/nowhere"),
            await client.delete("/o"),
            await client.post("/o"),
            await client.post("/o?n=1", json={"item": "tea"}),
        ]
    assert [(answer.status_code, answer.text) for answer in answers] == [
        (404, "Not Found: nothing is mounted at this path"),
        (405, "Method Not Allowed"),
        (422, "Validation error"),
        (500, "Internal Server Error"),
    ]
    assert {answer.headers["content-type"] for answer in answers} == {"text/plain; charset=utf-8"}
    assert [int(answer.headers["content-length"]) for answer in answers] == [
        len(answer.content) for answer in answers
    ]
    assert answers[1].headers["allow"] == "POST, HEAD"


async def test_applications_and_files_below_a_prefix(tmp_path: Path) -> None:
    """FastAPI, static files and another AsgiFastStream find their own paths below theirs."""
    (tmp_path / "logo.txt").write_text("logo")
    inner = FastAPI()

    @inner.get("/items/{number}")
    async def item(number: int) -> dict[str, int]:
        return {"number": number}

    async def socket(connection: WebSocket) -> None:
        await connection.accept(subprotocol="chat")
        try:
            while True:
                await connection.send_text(f"{connection.path_params['room']} "
                                           f"{await connection.receive_text()}")  # fmt: skip
        except WebSocketDisconnect as gone:
            codes.append(gone.code)

    codes: list[int] = []
    routes: list[tuple[str, Any]] = [
        ("/api", inner),
        ("/static", StaticFiles(directory=tmp_path)),
        ("/live/", Starlette(routes=[WebSocketRoute("/rooms/{room}", socket)])),
        ("/", AsgiFastStream(asgi_routes=[("/root", endpoint("get"))])),
    ]
    async with served(AsgiFastStream(MemoryBroker(), asgi_routes=routes)) as client:
        assert (await client.get("/api/items/7")).json() == {"number": 7}
        assert (await client.get("/api/openapi.json")).json()["servers"] == [{"url": "/api"}]
        assert (await client.get("/static/logo.txt")).text == "logo"
        assert (await client.get("/root")).text == "get"
        url = str(client.base_url).replace("http", "ws", 1)
        offered = [websockets.Subprotocol("chat")]
        async with websockets.connect(f"{url}/live/rooms/a", subprotocols=offered) as connection:
            await connection.send("hi")
            assert await connection.recv() == "a hi"
            assert connection.subprotocol == "chat"
            await connection.close(4001)
    assert codes == [4001]


async def test_behind_a_proxy_with_a_prefix() -> None:
    """Where the server has a root path, ours are found below it."""
    app = AsgiFastStream(
        MemoryBroker(), asgi_routes=[("/it", endpoint("get"))], asyncapi_path="/docs"
    )
    async with served(app, root_path="/out") as client:
        assert (await client.get("/it")).text == "get"
        assert (await client.get("/docs.json")).json()["asyncapi"] == "3.0.0"


async def test_options_that_do_not_fit_end_the_start() -> None:
    """The server is told that it cannot start, and why."""
    app = AsgiFastStream(MemoryBroker())

    @app.on_startup
    async def read(env: str) -> None: ...

    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "lifespan.startup"}

    async def send(message: Any) -> None:
        sent.append(message)

    with pytest.raises(StartupValidationError):
        await app({"type": "lifespan"}, receive, send)
    assert sent[0]["type"] == "lifespan.startup.failed"
    assert "env" in sent[0]["message"]


async def test_endpoints_in_a_framework() -> None:
    """`get`, `post` and ping answer below a mount of FastAPI's own, with their arguments."""

    @post
    async def order(request: Request, q: Any = Query(default=())) -> AsgiResponse:
        return JSONResponse([await request.json(), q])

    broker = MemoryBroker()
    outer = FastAPI()
    outer.mount("/order", order)
    outer.mount("/health", make_ping_asgi(broker, timeout=5.0))
    async with (
        broker,
        httpx.AsyncClient(transport=httpx.ASGITransport(outer), base_url="http://t") as client,
    ):
        await broker.start()
        answer = await client.post("/order/?q=1", content=json.dumps({"a": 1}))
        assert answer.json() == [{"a": 1}, ["1"]]
        assert (await client.get("/health/")).status_code == 204
