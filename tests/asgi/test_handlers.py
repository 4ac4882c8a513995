"""`get` and `post` endpoints over real sockets, in our application and in another framework."""

import asyncio
import json
import logging
from typing import Annotated, Any
from urllib.parse import parse_qs

import httpx
import pytest
from fast_depends import Provider
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import StreamingResponse
from starlette.routing import Mount

from anystream.asgi import (
    AsgiFastStream,
    AsgiResponse,
    Header,
    JSONResponse,
    Query,
    Request,
    get,
    post,
)
from anystream.asgi.request import AsgiRequest, ClientDisconnectError
from anystream.asgi.response import ResponseError
from anystream.asgi.types import Scope
from anystream.core.annotations import Logger
from anystream.core.context import ContextRepo
from anystream.core.exceptions import BindingError, SetupError
from anystream.core.params import Context, Depends
from anystream.core.params import Header as MessageHeader
from tests.asgi.uvicorn_server import served
from tests.recording_broker import RecordingBroker


def application(*routes: tuple[str, Any], **options: Any) -> AsgiFastStream:
    return AsgiFastStream(RecordingBroker(), asgi_routes=routes, **options)


async def ask(endpoint: Any, method: str = "GET", **options: Any) -> httpx.Response:
    """One request to an endpoint in an application of its own."""
    async with served(application(("/it", endpoint))) as client:
        return await client.request(method, "/it", **options)


@get
async def hello(scope: Scope) -> AsgiResponse:
    """Says hello."""
    return AsgiResponse(b"hello", headers={"X-Kind": "greeting"})


async def test_get_answers_get() -> None:
    """Body, status and headers reach the client."""
    answer = await ask(hello)
    assert (answer.status_code, answer.text) == (200, "hello")
    assert answer.headers["x-kind"] == "greeting"
    assert answer.headers["content-length"] == "5"


async def test_get_answers_head_without_a_body() -> None:
    """HEAD has the headers of GET and nothing else."""
    answer = await ask(hello, "HEAD")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == "5"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_get_refuses_other_methods(method: str) -> None:
    """405 names the methods that are allowed."""
    answer = await ask(hello, method)
    assert (answer.status_code, answer.text) == (405, "Method Not Allowed")
    assert answer.headers["allow"] == "GET, HEAD"


async def test_post_reads_the_body() -> None:
    """A JSON body arrives parsed, and may be read twice."""

    @post
    async def echo(request: Request) -> AsgiResponse:
        assert await request.body() == await request.body()
        return JSONResponse({"got": await request.json(), "by": request.method}, 201)

    answer = await ask(echo, "POST", json={"a": [1, 2]})
    assert (answer.status_code, answer.json()) == (201, {"got": {"a": [1, 2]}, "by": "POST"})
    assert answer.headers["content-type"] == "application/json"
    refused = await ask(echo, "GET")
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST, HEAD")


async def test_handler_without_arguments_in_a_thread() -> None:
    """A plain function without arguments is a handler as well."""

    @get
    def plain() -> AsgiResponse:
        return AsgiResponse(b"plain")

    assert (await ask(plain)).text == "plain"


def shout(word: str = Header("x-word")) -> str:
    return word.upper()


@get(include_in_schema=False, description="All of it.")
async def everything(
    scope: Scope,
    request: Request,
    logger: Logger,
    app: Annotated[Any, Context()],
    shouted: Annotated[str, Depends(shout)],
    ids: list[int] = Query("id", cast=True),
    raw: Any = Query("id"),
    color: str = Query(default="none"),
    agent: Annotated[str, Header("User-Agent")] = "",
) -> AsgiResponse:
    return JSONResponse(
        {
            "same scope": request.scope is scope,
            "logger": logger.name,  # type: ignore[attr-defined]
            "app": type(app).__name__,
            "shouted": shouted,
            "ids": ids,
            "raw": raw,
            "color": color,
            "agent": agent,
        }
    )


async def test_all_kinds_of_arguments() -> None:
    """Scope, request, logger, application, dependency, query and headers in one handler."""
    app = application(("/it", everything), logger=logging.getLogger("mine"))
    headers = {"X-Word": "hey", "User-Agent": "tester"}
    async with served(app) as client:
        answer = await client.get("/it?id=1&id=2&blank=", headers=headers)
    assert answer.json() == {
        "same scope": True,
        "logger": "mine",
        "app": "AsgiFastStream",
        "shouted": "HEY",
        "ids": [1, 2],
        "raw": ["1", "2"],
        "color": "none",
        "agent": "tester",
    }


async def test_unattached_handler_in_another_framework() -> None:
    """Mounted in Starlette a handler has its request, query and headers just the same."""

    @get
    async def found(request: Request, name: Any = Query(), x_id: str = Header("x-id")) -> Any:
        return JSONResponse([request.path, name, x_id])

    async with served(Starlette(routes=[Mount("/out", found)]), lifespan="off") as client:
        answer = await client.get("/out/?name=a&name=b", headers={"x-id": "7"})
        missing = await client.get("/out/")
    assert answer.json() == ["/out/", ["a", "b"], "7"]
    assert missing.status_code == 422


@pytest.mark.parametrize("query", ["", "?id=", "?id=one"])
async def test_argument_that_does_not_validate(
    query: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Missing, blank and wrong values are the client's fault: 422, logged without the headers."""
    app = application(("/it", everything), logger=logging.getLogger("mine"))
    async with served(app) as client:
        headers = {"x-word": "w", "authorization": "Bearer secret"}
        answer = await client.get(f"/it{query}", headers=headers)
    assert (answer.status_code, answer.text) == (422, "Validation error")
    [record] = [record for record in caplog.records if record.name == "mine"]
    assert "everything" in record.getMessage()
    assert record.exc_info
    assert "secret" not in caplog.text


async def test_failing_handler(caplog: pytest.LogCaptureFixture) -> None:
    """An exception is a 500 without details, and a traceback in the log with the place."""

    @get
    async def broken() -> AsgiResponse:
        raise KeyError("secret")

    app = application(("/it", broken), logger=logging.getLogger("mine"))
    async with served(app) as client:
        answer = await client.get("/it")
    assert (answer.status_code, answer.text) == (500, "Internal Server Error")
    [record] = [record for record in caplog.records if record.name == "mine"]
    assert "broken" in record.getMessage()
    assert "test_handlers.py:" in record.getMessage()


async def test_failed_validation_of_the_handlers_own_data() -> None:
    """A model that the handler itself fails to make is no fault of the client's."""

    class Order(BaseModel):
        id: int

    @get
    async def broken() -> AsgiResponse:
        return JSONResponse(Order(id="x"))  # type: ignore[arg-type]

    assert (await ask(broken)).status_code == 500


async def test_silent_application() -> None:
    """With `logger=None` a failure is answered and not logged."""

    @get
    async def broken() -> AsgiResponse:
        raise RuntimeError

    async with served(application(("/it", broken), logger=None)) as client:
        assert (await client.get("/it")).status_code == 500


async def test_handler_that_returns_no_response(caplog: pytest.LogCaptureFixture) -> None:
    """The log says what was returned, by whom, and what to return."""

    @get
    async def forgetful() -> Any:
        return {"a": 1}

    app = application(("/it", forgetful), logger=logging.getLogger("mine"))
    async with served(app) as client:
        assert (await client.get("/it")).status_code == 500
    assert "returned dict" in caplog.text
    assert "JSONResponse(data)" in caplog.text


async def test_foreign_response() -> None:
    """Any ASGI callable is a response, a streaming one too; HEAD drops its body."""

    async def parts() -> Any:
        for part in ("a", "b", "c"):
            yield part

    @get
    async def streaming(scope: Scope) -> Any:
        return StreamingResponse(parts(), headers={"x-s": "1"})

    assert (await ask(streaming)).text == "abc"
    head = await ask(streaming, "HEAD")
    assert (head.content, head.headers["x-s"]) == (b"", "1")


async def test_arguments_without_a_source_are_refused_when_attached() -> None:
    """The error names the argument, the handler, its file, and what to do."""

    @get
    async def unclear(scope: Scope, limit: int) -> AsgiResponse:
        return AsgiResponse()

    with pytest.raises(BindingError, match=r"`limit`.*unclear.*test_handlers\.py:\d+.*Query\(\)"):
        application(("/it", unclear))


async def test_plain_defaults_are_left_alone() -> None:
    """An argument with a default and no marker keeps it; `scope` by name is the scope."""

    @get
    async def paged(first: Scope, size: int = 10, *, scope: Scope) -> AsgiResponse:
        return JSONResponse([first is scope, size])

    assert (await ask(paged)).json() == [True, 10]


async def test_header_marker_of_messages_is_refused() -> None:
    """The broker's Header in an HTTP handler: the error says which one to take."""

    @get
    async def mixed(token: str = MessageHeader()) -> AsgiResponse:
        return AsgiResponse()

    with pytest.raises(BindingError, match=r"`token`.*anystream\.asgi"):
        application(("/it", mixed))


def test_decorating_what_is_no_function() -> None:
    """`@get("/path")` is a mistake that is explained."""
    with pytest.raises(SetupError, match="is a function, not str"):
        get("/path")  # type: ignore[call-overload]


async def test_one_handler_in_two_applications() -> None:
    """Each application gives its own context; neither changes the handler."""

    @get
    async def name(which: str = Context()) -> AsgiResponse:
        return AsgiResponse(which.encode())

    answers = []
    apps = [application(("/it", name), context=ContextRepo({"which": w})) for w in "ab"]
    for app in apps:
        async with served(app) as client:
            answers.append((await client.get("/it")).text)
    assert answers == ["a", "b"]


async def test_overridden_dependency() -> None:
    """A provider's override is seen by requests that come later."""
    provider = Provider()

    def real() -> str:
        return "real"

    @get
    async def which(value: str = Depends(real)) -> AsgiResponse:
        return AsgiResponse(value.encode())

    async with served(application(("/it", which), provider=provider)) as client:
        before = (await client.get("/it")).text
        with provider.scope(real, lambda: "fake"):
            during = (await client.get("/it")).text
        after = (await client.get("/it")).text
    assert [before, during, after] == ["real", "fake", "real"]


async def test_requests_do_not_see_each_other() -> None:
    """Of concurrent requests each has its own request in the context."""
    everybody = asyncio.Event()
    waiting: list[int] = []

    async def tell(request: Request) -> list[str]:
        return request.query_params["n"]

    @get
    async def late(request: Request, n: Any = Depends(tell)) -> AsgiResponse:
        waiting.append(1)
        if len(waiting) == 5:
            everybody.set()
        await everybody.wait()
        return JSONResponse([n, request.query_params["n"]])

    async with served(application(("/it", late))) as client:
        answers = await asyncio.gather(*(client.get(f"/it?n={n}") for n in range(5)))
    assert [answer.json() for answer in answers] == [[[str(n)], [str(n)]] for n in range(5)]


async def test_answers_do_not_collect_what_middlewares_add() -> None:
    """A middleware that changes a message in place changes that one answer only."""
    same = AsgiResponse(b"same")

    @get
    async def constant() -> AsgiResponse:
        return same

    cors = Middleware(CORSMiddleware, allow_origins=["http://a"], allow_credentials=True)
    app = Starlette(routes=[Mount("/it", constant)], middleware=[cors])
    async with served(app, lifespan="off") as client:
        for _ in range(3):
            answer = await client.get("/it/", headers={"origin": "http://a"})
        plain = await client.get("/it/")
    assert len(answer.headers.get_list("access-control-allow-origin")) == 1
    assert "access-control-allow-origin" not in plain.headers


def test_description_is_the_docstring() -> None:
    """The document gets the docstring unless something else is given."""
    assert hello.description == "Says hello."
    assert hello.include_in_schema
    assert everything.description == "All of it."
    assert not everything.include_in_schema


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: AsgiResponse("text"), "is bytes, not str"),  # type: ignore[arg-type]
        (lambda: AsgiResponse(headers={"a": 1}), "'a': 1"),  # type: ignore[arg-type]
        (lambda: AsgiResponse(headers={"a": "1\r\nset-cookie: x"}), "line break"),
        (lambda: JSONResponse(object()), "no JSON form of object"),
    ],
)
def test_response_that_cannot_be(make: Any, said: str) -> None:
    """The error is raised where the response is made."""
    with pytest.raises(ResponseError, match=said):
        make()


def test_length_is_left_out_where_there_is_no_body() -> None:
    """204 and 304 carry no length; one that is given stays; repeated headers stay repeated."""
    assert AsgiResponse(b"x", 204).raw_headers == []
    assert AsgiResponse(b"", 200).raw_headers == []
    assert AsgiResponse(b"x", headers={"Content-Length": "9"}).raw_headers == [
        (b"content-length", b"9")
    ]
    twice = AsgiResponse(headers=[("Set-Cookie", "a"), ("Set-Cookie", "b")])
    assert twice.raw_headers == [(b"set-cookie", b"a"), (b"set-cookie", b"b")]


def test_json_of_models_and_ready_json() -> None:
    """Models are written as JSON, bytes are taken as they are, a content type may be chosen."""

    class Order(BaseModel):
        id: int

    assert json.loads(JSONResponse([Order(id=1)]).body) == [{"id": 1}]
    assert JSONResponse(b"[1]").body == b"[1]"
    chosen = JSONResponse({}, headers={"Content-Type": "application/problem+json"})
    assert (b"content-type", b"application/problem+json") in chosen.raw_headers
    assert (b"content-type", b"application/json") not in chosen.raw_headers


def request_of(*messages: dict[str, Any], **scope: Any) -> AsgiRequest:
    coming = iter(messages)

    async def receive() -> dict[str, Any]:
        return next(coming)

    return AsgiRequest({"type": "http", "headers": [], **scope}, receive)


async def test_streamed_body() -> None:
    """Chunks come one by one, and only once."""
    request = request_of(
        {"type": "http.request", "body": b"a", "more_body": True},
        {"type": "http.request", "body": b"b"},
    )
    assert [chunk async for chunk in request.stream()] == [b"a", b"b"]
    with pytest.raises(RuntimeError, match="Stream consumed"):
        [chunk async for chunk in request.stream()]


async def test_client_that_leaves_in_the_middle() -> None:
    """An incomplete body is never taken for a whole one."""
    request = request_of(
        {"type": "http.request", "body": b'{"a"', "more_body": True}, {"type": "http.disconnect"}
    )
    with pytest.raises(ClientDisconnectError):
        await request.json()


async def test_body_that_is_no_json() -> None:
    """The error is the standard library's."""
    with pytest.raises(json.JSONDecodeError):
        await request_of({"type": "http.request", "body": b"{"}).json()


def test_headers_and_query_of_a_request() -> None:
    """The last of a repeated header counts; blank parameters are dropped."""
    request = request_of(
        headers=[(b"X-A", b"1"), (b"x-a", b"2")], query_string=b"a=1&a=2&b=&c=%C3%A9"
    )
    assert request.headers == {"x-a": "2"}
    assert request.query_params == {"a": ["1", "2"], "c": ["é"]}


@given(st.text(alphabet="ab=&%+;4é", max_size=12))
@example("a=1&a=2&b=&=c&a=b=c&&a;b=1")
def test_queries_are_those_of_the_standard_library(query: str) -> None:
    """Whatever there is in it."""
    request = request_of(query_string=query.encode("latin-1"))
    assert request.query_params == parse_qs(query)
