"""However a router gets into an application, its broker lives as long as that does."""

import asyncio
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.testclient import TestClient

from anystream.core.exceptions import SetupError, StartTimeout
from anystream.fastapi.memory import MemoryRouter
from anystream.memory import MemoryBroker, TestMemoryBroker
from anystream.memory import MemoryRouter as PlainRouter
from tests.fastapi_plugin.conftest import lifespan_of


def counting() -> tuple[MemoryRouter, list[Any]]:
    """A router whose handler notes what it gets."""
    router, got = MemoryRouter(logger=None), []

    @router.subscriber("in")
    async def handle(text: str, request: Request) -> None:
        got.append((text, dict(request.state._state)))

    return router, got


async def until(condition: Any) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise TimeoutError


def included(app: FastAPI, router: MemoryRouter) -> None:
    app.include_router(router)


def nested(app: FastAPI, router: MemoryRouter) -> None:
    inner, outer = APIRouter(), APIRouter()
    inner.include_router(router)
    outer.include_router(inner, prefix="/inner")
    app.include_router(outer, prefix="/outer")


def twice(app: FastAPI, router: MemoryRouter) -> None:
    app.include_router(router)
    app.include_router(router, prefix="/second")


def below_another(app: FastAPI, router: MemoryRouter) -> None:
    outer = MemoryRouter(logger=None, schema_url="/outer")
    outer.include_router(router)
    app.include_router(outer)


@pytest.mark.parametrize("include", [included, nested, twice, below_another])
@pytest.mark.parametrize("with_lifespan", [False, True])
async def test_a_message_is_consumed_once(include: Any, with_lifespan: bool) -> None:
    """Nested, twice, below another stream router; with and without a lifespan of the app."""
    steps: list[str] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> Any:
        steps.append("app starts")
        yield {"pool": 1}
        steps.append("app stops")

    router, got = counting()
    app = FastAPI(lifespan=lifespan if with_lifespan else None)
    router.after_startup(lambda app: steps.append("after startup"))
    router.on_broker_shutdown(lambda app: steps.append(f"shutdown {router.broker.running}"))
    include(app, router)
    async with lifespan_of(app):
        await router.broker.publish("a", "in")
        await until(lambda: got)
    assert [text for text, _ in got] == ["a"]
    around = ["app starts", "app stops"] if with_lifespan else []
    assert steps == [*around[:1], "after startup", "shutdown True", *around[1:]]
    assert not router.broker.running
    async with lifespan_of(app):  # and once more
        await router.broker.publish("b", "in")
        await until(lambda: len(got) == 2)


async def test_by_hand_as_older_fastapi_needs_it() -> None:
    """`FastAPI(lifespan=router.lifespan_context)`, with and without including it as well."""
    router, got = counting()
    app = FastAPI(lifespan=router.lifespan_context)
    app.include_router(router)
    async with lifespan_of(app):
        await router.broker.publish("a", "in")
        await until(lambda: got)
    assert len(got) == 1
    assert not router.broker.running


@pytest.mark.parametrize("include", [included, nested, twice])
def test_state_of_application_and_router_is_seen_by_both_sides(include: Any) -> None:
    """Requests and handlers see what lifespans yield, what hooks return, and the broker, also
    below plain routers."""

    @asynccontextmanager
    async def of_app(app: FastAPI) -> Any:
        yield {"app_pool": 1}

    @asynccontextmanager
    async def of_router(app: FastAPI) -> Any:
        yield {"router_pool": 2}

    seen: list[Any] = []
    router = MemoryRouter(logger=None, lifespan=of_router)

    @router.after_startup
    async def hook(app: FastAPI) -> dict[str, int]:
        return {"hook": 3}

    @router.subscriber("in")
    async def handle(text: str, request: Request) -> None:
        state = request.state
        seen.append((state.app_pool, state.router_pool, state.hook, state.broker is router.broker))

    @router.get("/state")
    async def state_of(request: Request) -> list[Any]:
        state = request.state
        await router.broker.request("a", "in")
        return [state.app_pool, state.router_pool, state.hook, state.broker is router.broker]

    app = FastAPI(lifespan=of_app)
    include(app, router)
    path = "/outer/inner/state" if include is nested else "/state"
    with TestClient(app) as client:
        assert client.get(path).json() == [1, 2, 3, True]
    assert seen == [(1, 2, 3, True)]


def test_no_state() -> None:
    """`setup_state=False` leaves the application's state alone."""
    router = MemoryRouter(logger=None, setup_state=False)
    app = FastAPI()
    app.include_router(router)

    @app.get("/")
    async def state(request: Request) -> bool:
        return hasattr(request.state, "broker")

    with TestClient(app) as client:
        assert client.get("/").json() is False


async def test_several_routers_have_their_own_brokers() -> None:
    """Each with its document; a handler finds its own broker in the state."""
    one, two = MemoryRouter(logger=None), MemoryRouter(logger=None, schema_url="/two")
    seen: asyncio.Queue[Any] = asyncio.Queue()

    @two.subscriber("in")
    async def handle(text: str, request: Request) -> None:
        await seen.put(request.state.broker)

    app = FastAPI(title="Both")
    app.include_router(one)
    app.include_router(two)
    async with lifespan_of(app):
        assert one.broker.running
        assert two.broker.running
        await two.broker.publish("a", "in")
        assert await asyncio.wait_for(seen.get(), 10) is two.broker
    assert one.broker is not two.broker
    with TestClient(app) as client:
        for path in ("/asyncapi", "/asyncapi.json", "/asyncapi.yaml", "/two", "/two.json"):
            assert client.get(path).status_code == 200
        assert client.get("/two.json").json()["info"]["title"] == "Both"
        assert client.get("/openapi.json").json()["paths"] == {}


async def test_a_failed_start_fails_the_application() -> None:
    """With the broker's own error, and nothing is left running."""
    router, stopped = MemoryRouter(logger=None), []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> Any:
        try:
            yield
        finally:
            stopped.append(True)

    @router.after_startup
    async def broken(app: FastAPI) -> None:
        raise RuntimeError("hook")

    app = FastAPI(lifespan=lifespan)
    app.include_router(router)
    with pytest.raises(RuntimeError, match="hook"):
        async with lifespan_of(app):
            pass
    assert stopped == [True]
    assert not router.broker.running


async def test_a_start_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """After `start_timeout`, with the broker's name."""
    router = MemoryRouter(logger=None, start_timeout=0.05)
    monkeypatch.setattr(router.broker, "start", asyncio.Event().wait)
    app = FastAPI()
    app.include_router(router)
    with pytest.raises(StartTimeout, match="MemoryBroker"):
        async with lifespan_of(app):
            pass


def test_events_of_the_router_run_with_a_lifespan_of_the_application() -> None:
    """`on_startup=` is not lost where the application has a lifespan."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> Any:
        yield

    ran: list[str] = []
    router = MemoryRouter(
        logger=None,
        on_startup=[lambda: ran.append("up")],
        on_shutdown=[lambda: ran.append("down")],
    )
    app = FastAPI(lifespan=lifespan)
    app.include_router(router)
    with TestClient(app):
        assert ran == ["up"]
    assert ran == ["up", "down"]


async def test_test_broker_with_test_client() -> None:
    """The application's start is a fake one, then; handlers have mocks."""
    router, got = counting()

    @router.post("/send")
    async def send(text: str) -> str:
        await router.broker.publish(text, "in")
        return "sent"

    app = FastAPI()
    app.include_router(router)
    handler = router.broker.subscribers[0].calls[0].call
    async with TestMemoryBroker(router.broker):
        with TestClient(app) as client:
            assert client.post("/send?text=a").json() == "sent"
        handler.mock.assert_called_once_with("a")
    assert [text for text, _ in got] == ["a"]


def test_try_it_out_and_document_paths() -> None:
    """The prefix is part of them; `schema_url=None` serves none."""
    router, _ = counting()
    app = FastAPI()
    app.include_router(router, prefix="/v1")
    with TestClient(app) as client:
        assert client.get("/v1/asyncapi").status_code == 200
        assert client.post("/v1/asyncapi/try", json={}).status_code in (400, 422)
        assert "GET" in client.put("/v1/asyncapi.json").headers["allow"]
    bare = FastAPI()
    bare.include_router(MemoryRouter(logger=None, schema_url=None))
    bare.include_router(MemoryRouter(logger=None, include_in_schema=False))
    with TestClient(bare) as client:
        assert client.get("/asyncapi").status_code == 404


def test_options_of_a_plain_router_belong_on_it() -> None:
    """A prefix in the call would not reach the addresses."""
    router, plain = MemoryRouter(logger=None), PlainRouter("pre.")

    @plain.subscriber("in")
    async def handle(text: str) -> None: ...

    with pytest.raises(SetupError, match="prefix"):
        router.include_router(plain, prefix="/x")
    router.include_router(plain)
    router.include_router(plain)
    assert [sub.full_address for sub in router.broker.subscribers] == ["pre.in"]
    assert isinstance(router.broker, MemoryBroker)


def test_ids_of_endpoints_are_the_users() -> None:
    """A function that makes them sees the user's endpoints only."""
    router = MemoryRouter(generate_unique_id_function=lambda route: str(route.tags[0]))

    @router.get("/x", tags=["mine"])
    async def get() -> None: ...

    app = FastAPI()
    app.include_router(router)
    (path,) = app.openapi()["paths"].values()
    assert path["get"]["operationId"] == "mine"


def test_the_router_is_an_api_router() -> None:
    """Verbs, prefix, tags, dependencies and ordinary routers inside."""
    ran: list[str] = []

    async def note() -> None:
        ran.append("dependency")

    router = MemoryRouter(
        logger=None, prefix="/api", tags=["t"], dependencies=[Depends(note)], schema_url=None
    )
    inner = APIRouter()

    @inner.get("/inner")
    async def get() -> str:
        return "inner"

    @router.post("/x")
    async def post() -> str:
        return "posted"

    router.include_router(inner, prefix="/deep")
    app = FastAPI()
    app.include_router(router)
    with TestClient(app) as client:
        assert client.get("/api/deep/inner").json() == "inner"
        assert client.post("/api/x").json() == "posted"
        paths = client.get("/openapi.json").json()["paths"]
    assert paths["/api/x"]["post"]["tags"] == ["t"]
    assert ran == ["dependency", "dependency"]
