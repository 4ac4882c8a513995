"""How a message becomes a request, and what a result becomes."""

import datetime as dt
from contextlib import AsyncExitStack
from typing import Annotated, Any, ClassVar

import pytest
from fastapi import APIRouter, Body, Depends, FastAPI, Header, Path, Query, Request, Security
from fastapi.exceptions import RequestValidationError, ResponseValidationError
from fastapi.security import SecurityScopes
from pydantic import BaseModel, Field

from anystream.core import Response
from anystream.core.exceptions import BindingError, ContextError, SetupError
from anystream.fastapi.context import Context, Logger
from anystream.fastapi.framework import read_call, solve
from anystream.fastapi.memory import MemoryRouter
from anystream.fastapi.request import MessageHeaders, StreamMessage
from anystream.fastapi.straight import Incoming, Steps
from anystream.memory import TestMemoryBroker
from anystream.memory.annotations import MemoryMessage as OwnMessage


class User(BaseModel):
    """A body."""

    name: str
    id: int = 1


class Other(BaseModel):
    """Another one."""

    size: int


async def answer(function: Any, body: Any, *, address: str = "in", **options: Any) -> Any:
    """What a handler answers to a message."""
    router = MemoryRouter(logger=None)
    router.subscriber(address, **options)(function)
    async with TestMemoryBroker(router.broker) as broker:
        where = address.replace("{who}", "ann")
        reply = await broker.request(body, where, headers={"user-id": "5", "correlation_id": "c1"})
        return await reply.decode()


async def scalars(name: str, id: int = 3) -> Any:
    return [name, id]


async def one_model(user: User) -> Any:
    return user


async def model_and_scalar(user: User, id: int) -> Any:
    return [user, id]


async def two_models(user: User, other: Other) -> Any:
    return [user, other]


async def numbers(items: list[int]) -> Any:
    return items


async def captured(text: str, who: Annotated[str, Path()]) -> Any:
    return [text, who]


async def headers(
    user_id: Annotated[int, Header()], c: Annotated[str, Header(alias="correlation_id")]
) -> Any:
    return [user_id, c]


async def limited(id: Annotated[int, Query(gt=0, title="Number")]) -> Any:
    return id


async def no_parameters() -> Any:
    return "called"


def in_a_thread(text: str) -> Any:
    return text


@pytest.mark.parametrize(
    ("function", "body", "expected", "address"),
    [
        (scalars, {"name": "a"}, ["a", 3], "in"),
        (scalars, "a", ["a", 3], "in"),
        (one_model, {"name": "a"}, {"name": "a", "id": 1}, "in"),
        (model_and_scalar, {"name": "a", "id": 4}, [{"name": "a", "id": 4}, 4], "in"),
        (
            two_models,
            {"user": {"name": "a"}, "other": {"size": 2}},
            [{"name": "a", "id": 1}, {"size": 2}],
            "in",
        ),
        (numbers, [1, "2"], [1, 2], "in"),
        (captured, "hello", ["hello", "ann"], "in.{who}"),
        (headers, {}, [5, "c1"], "in"),
        (limited, {"id": 2}, 2, "in"),
        (no_parameters, {"any": 1}, "called", "in"),
        (in_a_thread, "hello", "hello", "in"),
    ],
)
async def test_bodies_reach_parameters(
    function: Any, body: Any, expected: Any, address: str
) -> None:
    """Keys of a body are query and body parameters at once; captures and headers have markers."""
    assert await answer(function, body, address=address) == expected


@pytest.mark.parametrize(
    ("function", "body", "places"),
    [
        (scalars, {}, [("query", "name")]),
        (one_model, {"id": "x"}, [("body", "name"), ("body", "id")]),
        (two_models, {"user": 1}, [("body", "user"), ("body", "other")]),
        (limited, {"id": 0}, [("query", "id")]),
    ],
)
async def test_what_does_not_fit_is_told_as_fastapi_does(
    function: Any, body: Any, places: Any
) -> None:
    """The error is FastAPI's, with the places of its HTTP endpoints."""
    with pytest.raises(RequestValidationError) as caught:
        await answer(function, body)
    assert [it["loc"] for it in caught.value.errors()] == places


def _number() -> int:
    return 1


async def _nested(one: Annotated[int, Depends(_number)], id: int = 0) -> int:
    return one + id


async def _entered(id: int, other: Annotated[int, Depends(_nested)]) -> Any:
    yield id + other


def _entered_in_thread(name: str = "n") -> Any:
    yield name


async def tree(
    user: User,
    a: Annotated[int, Depends(_nested)],
    b: Annotated[Any, Depends(_entered)],
    c: Annotated[Any, Depends(_entered_in_thread)],
    h: Annotated[str, Header()] = "none",
) -> None: ...


async def embedded(user: Annotated[User, Body(embed=True)], id: int = 9) -> None: ...


async def asking(request: Request, x: Annotated[list[int] | None, Body()] = None) -> None: ...


@pytest.mark.parametrize("function", [scalars, one_model, two_models, limited, tree, embedded])
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "a", "id": 2},
        {"name": "a", "id": "x"},
        {"user": {"name": "b"}, "other": {"size": 1}, "id": 3, "h": "v"},
        {"user": 5, "other": {}},
        [],
    ],
)
async def test_the_straight_form_is_fastapis_solver(function: Any, body: Any) -> None:
    """Arguments and errors are the same whichever of the two finds them."""
    call = read_call(function, [])

    def request(incoming: Any) -> StreamMessage:
        return StreamMessage(
            None,
            body=body,
            values=values,
            headers=MessageHeaders({"h": "x"}),
            app=None,
            state={},
            context=None,  # type: ignore[arg-type]
        )

    values = body if isinstance(body, dict) else {}

    class Message:
        headers: ClassVar = {"h": "x"}

    async def outcome(straight: bool) -> Any:
        incoming = Incoming(Message(), body, values, False, request)
        async with AsyncExitStack() as stack:
            incoming.stack = stack
            try:
                if straight:
                    return await Steps(call).arguments(incoming)
                return (await solve(call, incoming.request, body, stack))[0]
            except RequestValidationError as error:
                # FastAPI tells twice what is wrong with a dependency that two others share
                return list(dict.fromkeys((it["type"], it["loc"]) for it in error.errors()))

    assert await outcome(True) == await outcome(False)


async def test_security_scopes_are_left_to_fastapi() -> None:
    """What the straight form does not know still works."""

    async def scopes(found: SecurityScopes) -> list[str]:
        return found.scopes

    async def handle(
        text: str, found: Annotated[list[str], Security(scopes, scopes=["read"])]
    ) -> Any:
        return [text, found]

    assert await answer(handle, "a") == ["a", ["read"]]


async def test_query_models_are_left_to_fastapi() -> None:
    """A model of query parameters takes the keys of the body."""

    async def handle(user: Annotated[User, Query()]) -> Any:
        return user

    assert await answer(handle, {"name": "a"}) == {"name": "a", "id": 1}


async def test_results_become_json_types() -> None:
    """Models, dates and bytes; a response keeps its headers; a response model filters."""

    class Shown(BaseModel):
        full: str = Field(alias="fullName", default="f")

    async def handle(kind: str) -> Any:
        day = dt.date(2026, 1, 2)
        found: dict[str, Any] = {
            "date": {"d": day},
            "bytes": b"raw",
            "model": Shown(),
            "none": None,
        }
        return Response(found[kind], headers={"x": "y"})

    assert await answer(handle, "date") == {"d": "2026-01-02"}
    assert await answer(handle, "bytes") == "raw"
    assert await answer(handle, "model") == {"fullName": "f"}

    async def typed(secret: str) -> Any:
        return {"name": "a", "secret": secret}

    assert await answer(typed, "s", response_model=User) == {"name": "a", "id": 1}
    assert await answer(typed, "s", response_model=User, response_model_exclude_unset=True) == {
        "name": "a"
    }
    with pytest.raises(ResponseValidationError):
        await answer(typed, "s", response_model=Other)


async def test_dependencies_of_the_router_run_for_each_message() -> None:
    """Those of the router, of the subscriber and of the handler, in this order."""
    ran: list[str] = []

    def noting(name: str) -> Any:
        async def note() -> None:
            ran.append(name)

        return Depends(note)

    router = MemoryRouter(logger=None, dependencies=[noting("router")])

    @router.subscriber("in", dependencies=[noting("subscriber")])
    async def handle(text: str) -> None:
        ran.append(text)

    async with TestMemoryBroker(router.broker) as broker:
        await broker.publish("handler", "in")
    assert ran == ["router", "subscriber", "handler"]


def within(app: FastAPI, router: APIRouter, depth: int) -> None:
    """Includes a router below so many plain ones."""
    for _ in range(depth):
        outer = APIRouter()
        outer.include_router(router)
        router = outer
    app.include_router(router)


def test_a_provider_of_overrides_may_be_given() -> None:
    """It counts more than the application."""
    app, provider = FastAPI(), FastAPI()
    router = MemoryRouter(logger=None, dependency_overrides_provider=provider)
    assert router.fastapi_config.application is None
    app.include_router(router)
    assert router.fastapi_config.application is app
    assert router.fastapi_config.dependency_overrides_provider is provider


@pytest.mark.parametrize("depth", [0, 1, 2])
async def test_overrides_are_read_at_every_message(depth: int) -> None:
    """Also deep in the tree, without the application's start, below plain routers, and taken
    back again."""

    async def deep() -> str:
        return "real"

    async def shallow(found: Annotated[str, Depends(deep)], message: OwnMessage) -> str:
        return f"{found}{bool(message)}"

    router, app = MemoryRouter(logger=None), FastAPI()

    @router.subscriber("in")
    async def handle(found: Annotated[str, Depends(shallow)]) -> str:
        return found

    within(app, router, depth)
    assert router.fastapi_config.application is app
    assert router.fastapi_config.dependency_overrides_provider is app
    async with TestMemoryBroker(router.broker) as broker:
        for wanted in ("real", "fake", "other", "real"):
            app.dependency_overrides.clear()
            if wanted != "real":
                app.dependency_overrides[deep] = lambda wanted=wanted: wanted
            assert await (await broker.request(None, "in")).decode() == f"{wanted}True"


async def test_what_cannot_be_bound_is_told_at_the_start() -> None:
    """With the handler, and what to import."""
    from anystream.memory.message import MemoryMessage

    async def raw(message: MemoryMessage) -> None: ...

    async def missing(text: str, found: Annotated[Any, Context("nothing")]) -> None: ...

    with pytest.raises(BindingError, match="MemoryMessage"):
        await answer(raw, {})
    with pytest.raises(ContextError, match="nothing"):
        await answer(missing, "a")
    with pytest.raises(SetupError, match="no dependency"):
        await answer(no_parameters, {}, dependencies=[_number])


async def test_context_defaults_and_logger() -> None:
    """A default, an initial value that stays, and the broker's logger."""

    async def handle(
        text: str,
        logger: Logger,
        default: Annotated[int, Context("absent", default=4)],
        counted: Annotated[list[int], Context("counted", initial=list)],
    ) -> Any:
        counted.append(default)
        return [counted, hasattr(logger, "info")]

    assert await answer(handle, "a") == [[4], True]


async def test_background_tasks_run_after_publishing_and_not_after_errors() -> None:
    """A failing handler leaves its tasks undone."""
    from fastapi import BackgroundTasks

    ran: list[str] = []
    router = MemoryRouter(logger=None)

    @router.subscriber("in")
    @router.publisher("out")
    async def handle(text: str, tasks: BackgroundTasks) -> str:
        tasks.add_task(ran.append, f"task {text}")
        if text == "bad":
            raise ValueError(text)
        return text

    @router.subscriber("out")
    async def taken(text: str) -> None:
        ran.append(text)

    async with TestMemoryBroker(router.broker) as broker:
        await broker.publish("good", "in")
        with pytest.raises(ValueError, match="bad"):
            await broker.publish("bad", "in")
    assert ran == ["good", "task good"]


async def test_markers_of_both_libraries_side_by_side() -> None:
    """Of two markers in one annotation FastAPI's counts; `Depends()` takes the class."""
    from anystream.core import Depends as OwnDepends

    class Paging:
        def __init__(self, limit: int = 5) -> None:
            self.limit = limit

    async def handle(
        text: str,
        one: Annotated[int, OwnDepends(lambda: 2), Depends(_number)],
        paging: Annotated[Paging, Depends()],
        message: OwnMessage,
    ) -> Any:
        return [text, one, paging.limit, bool(message.message_id)]

    assert await answer(handle, "a") == ["a", 1, 5, True]
