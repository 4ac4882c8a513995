"""The built-in ASGI application: lifespan, routes, hosting, running on uvicorn."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import pytest
import websockets

from anystream.asgi import (
    AsgiFastStream,
    AsgiResponse,
    Request,
    delete,
    get,
    get_broker,
    head,
    make_ping_asgi,
    options,
    patch,
    post,
    put,
    setup,
)
from anystream.asgi import app as app_module
from anystream.asgi.listening import Listeners
from anystream.asgi.types import Receive, Scope, Send
from anystream.core.app import FastStream
from anystream.core.exceptions import NotStarted, SetupError
from anystream.core.params import Context
from anystream.memory import MemoryBroker
from tests.asgi.uvicorn_server import StartFailed, served
from tests.recording_broker import (
    BrokerDown,
    OtherBroker,
    RecordingBroker,
    RecordingStream,
)


async def show_scope(scope: Scope, receive: Receive, send: Send) -> None:
    """An ASGI callable that answers with where it thinks it is; echoes on websockets."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        said = (await receive())["text"]
        await send({"type": "websocket.send", "text": f"{scope['root_path']} {said}"})
        await send({"type": "websocket.close"})
        return
    place = f"{scope['root_path']} {scope['path']} {scope['raw_path'].decode()}"
    await AsgiResponse(place.encode())(scope, receive, send)


@get
async def alive(scope: Scope) -> AsgiResponse:
    return AsgiResponse(b"alive")


def noting(journal: list[str], name: str) -> Any:
    async def hook() -> None:
        journal.append(name)

    return hook


def application(journal: list[str], *brokers: Any, **options: Any) -> AsgiFastStream:
    """An application whose lifespan and hooks write down that they ran."""

    @contextlib.asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        journal.append("enter")
        yield
        journal.append("exit")

    hooks: dict[str, Any] = {
        name: [noting(journal, name)]
        for name in ("on_startup", "after_startup", "on_shutdown", "after_shutdown")
    }
    return AsgiFastStream(*brokers, lifespan=lifespan, **hooks, **options)


class Channel:
    """The server's side of the lifespan protocol."""

    def __init__(self) -> None:
        self.events = asyncio.Queue[dict[str, Any]]()
        self.sent: list[Any] = []

    async def run(self, app: Any) -> None:
        self.events.put_nowait({"type": "lifespan.startup"})
        await app({"type": "lifespan", "asgi": {"version": "3.0"}}, self.events.get, self.send)

    async def send(self, message: Any) -> None:
        self.sent.append(message)


async def test_order_around_requests() -> None:
    """Lifespan, hooks, brokers, requests, and all of it backwards."""
    journal: list[str] = []
    one, two = RecordingBroker("one", journal), RecordingBroker("two", journal)

    @get
    async def note(scope: Scope) -> AsgiResponse:
        journal.append("request")
        return AsgiResponse()

    async with served(application(journal, one, two, asgi_routes=[("/note", note)])) as client:
        await client.get("/note")
    assert journal == [
        *("enter", "on_startup", "one.start", "two.start", "after_startup"),
        "request",
        *("on_shutdown", "two.stop", "one.stop", "after_shutdown", "exit"),
    ]


async def test_broker_that_cannot_start() -> None:
    """The server is told the reason, the very error propagates, nothing is left running."""
    journal: list[str] = []
    error = BrokerDown("connection refused")
    one = RecordingBroker("one", journal)
    two = RecordingBroker("two", journal, fail={"start": error})
    channel = Channel()
    with pytest.raises(BrokerDown) as caught:
        await channel.run(application(journal, one, two))
    assert caught.value is error
    [message] = channel.sent
    assert message["type"] == "lifespan.startup.failed"
    assert "BrokerDown: connection refused" in message["message"]
    assert not one.started
    assert journal.count("one.stop") == 1


async def test_server_does_not_start_without_brokers() -> None:
    """uvicorn gives up when the broker does, and when there is none."""
    with pytest.raises(StartFailed):
        async with served(AsgiFastStream(RecordingBroker(fail={"start": BrokerDown()}))):
            pass
    with pytest.raises(StartFailed):
        async with served(AsgiFastStream()):
            pass


async def test_stops_when_the_server_is_cancelled() -> None:
    """A lifespan task that is cancelled stops the brokers, too."""
    broker = RecordingBroker()
    channel = Channel()
    task = asyncio.create_task(channel.run(AsgiFastStream(broker)))
    await broker.entered.wait()
    while not channel.sent:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not broker.started


@pytest.mark.parametrize(("graceful", "finishes"), [(60.0, True), (0.0, False), (None, False)])
async def test_stop_takes_as_long_as_a_broker_drains(
    graceful: float | None, finishes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that may drain for longer is not cut short; one that may not, is."""
    monkeypatch.setattr(app_module, "STOP_MARGIN", 0.3)

    class Draining(RecordingBroker):
        graceful_timeout = graceful

        async def stop(self) -> None:
            await asyncio.sleep(1)
            await super().stop()

    broker = Draining()
    async with AsgiFastStream(broker).start_lifespan_context():
        assert broker.started
    assert ("broker.stop" in broker.journal) == finishes


async def test_starts_again() -> None:
    """One application object may be served twice."""
    broker = RecordingBroker()
    app = AsgiFastStream(broker, asgi_routes=[("/ping", make_ping_asgi(broker))])
    for _ in range(2):
        async with served(app) as client:
            assert (await client.get("/ping")).status_code == 204
    assert broker.journal == ["broker.start", "broker.stop"] * 2


async def test_unknown_paths() -> None:
    """404 says what is the matter; HEAD has no body; a path below an endpoint is unknown."""
    app = AsgiFastStream(RecordingBroker(), asgi_routes=[("/alive", alive)])
    async with served(app) as client:
        assert (await client.get("/alive/")).text == "alive"
        for path in ("/", "/aliv", "/alive/x", "/alivex"):
            answer = await client.get(path)
            assert (answer.status_code, answer.text) == (
                404,
                "Not Found: nothing is mounted at this path",
            )
        head = await client.head("/nowhere")
    assert (head.status_code, head.content) == (404, b"")


async def test_mounted_application_sees_its_prefix() -> None:
    """`root_path` grows, the path stays; the longest prefix wins; `mount` after construction."""
    app = AsgiFastStream(RecordingBroker(), asgi_routes=[("/m", show_scope)])
    app.mount("/m/alive", alive)
    app.mount("/m/inner", show_scope)
    async with served(app) as client:
        shown = [(await client.get(path)).text for path in ("/m", "/m/", "/m/a%2Fb", "/m/inner/x")]
        assert (await client.get("/m/alive")).text == "alive"
        assert (await client.get("/mx")).status_code == 404
    assert shown == [
        "/m /m /m",
        "/m /m/ /m/",
        "/m /m/a/b /m/a%2Fb",
        "/m/inner /m/inner/x /m/inner/x",
    ]
    assert [path for path, _ in app.routes] == ["/m", "/m/alive", "/m/inner"]


async def test_mounted_in_another_application() -> None:
    """Below a prefix of somebody else's the routes are found all the same."""
    inner = AsgiFastStream(asgi_routes=[("/alive", alive), ("/m", show_scope)])
    outer = AsgiFastStream(RecordingBroker(), asgi_routes=[("/in", inner)])
    async with served(outer) as client:
        assert (await client.get("/in/alive")).text == "alive"
        assert (await client.get("/in/m/x")).text == "/in/m /in/m/x /in/m/x"
        assert (await client.get("/alive")).status_code == 404


async def test_websockets() -> None:
    """They reach mounted applications; elsewhere they are refused before they are accepted."""
    app = AsgiFastStream(RecordingBroker(), asgi_routes=[("/m", show_scope), ("/alive", alive)])
    async with served(app) as client:
        url = str(client.base_url).replace("http", "ws", 1)
        async with websockets.connect(f"{url}/m/echo") as connection:
            await connection.send("hi")
            assert await connection.recv() == "/m hi"
        for path in ("/alive", "/nowhere"):
            with pytest.raises(websockets.InvalidStatus) as refused:
                await websockets.connect(f"{url}{path}")
            assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    ("path", "mounted"),
    [("alive", alive), ("/alive", alive), ("/alive/", show_scope), ("/x", "app"), (None, alive)],
)
def test_routes_that_cannot_be(path: Any, mounted: Any) -> None:
    """A path without a slash, a path that is taken, something that cannot be called."""
    app = AsgiFastStream(asgi_routes=[("/alive", alive)])
    with pytest.raises(SetupError):
        app.mount(path, mounted)
    assert [path for path, _ in app.routes] == ["/alive"]


async def test_server_without_lifespan(caplog: pytest.LogCaptureFixture) -> None:
    """One line in the log says that the brokers never started; ping says it, too."""
    broker = RecordingBroker()
    routes = [("/ping", make_ping_asgi(broker)), ("/alive", alive)]
    app = AsgiFastStream(broker, asgi_routes=routes, logger=logging.getLogger("mine"))
    async with served(app, lifespan="off") as client:
        for _ in range(2):
            assert (await client.get("/ping")).status_code == 500
            assert (await client.get("/alive")).status_code == 200
    [record] = [record for record in caplog.records if record.name == "mine"]
    assert "the brokers were never started" in record.getMessage()


async def test_start_up_options_reach_the_hooks() -> None:
    """Hooks and lifespan get the options they ask for by name."""
    got: dict[str, Any] = {}

    @contextlib.asynccontextmanager
    async def lifespan(name: str) -> AsyncIterator[None]:
        got["lifespan"] = name
        yield

    app = AsgiFastStream(RecordingBroker(), lifespan=lifespan)

    @app.on_startup
    async def read(port: int) -> None:
        got["port"] = port

    async with app.start_lifespan_context({"name": "n", "port": 1, "other": 2}):
        assert app.started
    assert got == {"lifespan": "n", "port": 1}
    assert not app.started


async def test_application_and_broker_in_a_handler() -> None:
    """`Context("app")` and `Context("app.broker")`, and `get_broker` by type."""
    one, two = RecordingBroker("one"), OtherBroker("two")

    @get
    async def names(
        app: Annotated[AsgiFastStream, Context()],
        first: Annotated[RecordingBroker, Context("app.broker")],
    ) -> AsgiResponse:
        second = get_broker(app, OtherBroker)
        return AsgiResponse(f"{first.name} {get_broker(app).name} {second.name}".encode())

    app = AsgiFastStream(one, two, asgi_routes=[("/names", names)])
    with pytest.raises(NotStarted, match="lifespan"):
        get_broker(app)
    async with served(app) as client:
        assert (await client.get("/names")).text == "one one two"
        with pytest.raises(SetupError, match="no MemoryBroker"):
            get_broker(app, MemoryBroker)


async def test_publish_and_consume_in_one_process() -> None:
    """A message published by a handler is consumed by a subscriber beside it."""
    broker = MemoryBroker()
    arrived: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @broker.subscriber("orders")
    async def handle(body: str) -> None:
        arrived.set_result(body)

    @get
    async def order(scope: Scope) -> AsgiResponse:
        await broker.publish("one tea", "orders")
        return AsgiResponse()

    async with served(AsgiFastStream(broker, asgi_routes=[("/order", order)])) as client:
        await client.get("/order")
        assert await asyncio.wait_for(arrived, 5) == "one tea"


async def test_application_made_of_another_one() -> None:
    """Brokers, hooks and context stay shared with the original."""
    journal: list[str] = []
    original = FastStream(RecordingBroker("one", journal))
    original.on_startup(noting(journal, "before"))
    app: AsgiFastStream = original.as_asgi([("/alive", alive)])
    original.on_startup(noting(journal, "later"))
    original.add_broker(RecordingBroker("two", journal))
    assert app.context is original.context
    async with served(app) as client:
        assert (await client.get("/alive")).text == "alive"
    assert journal == ["before", "later", "one.start", "two.start", "two.stop", "one.stop"]


async def test_hosted_stream_starts_last_and_stops_first() -> None:
    """`setup`: after the host's own brokers and hooks, and out before them."""
    journal: list[str] = []
    guest = RecordingBroker("guest", journal)
    app = application(journal, RecordingBroker("own", journal))
    hosted = setup(app, RecordingStream(guest), asgi_routes=[("/ping", make_ping_asgi(guest))])
    async with served(app) as client:
        assert (await client.get("/ping")).status_code == 204
        assert get_broker(app).name == "own"
        assert hosted.require() is guest
    start = ["enter", "on_startup", "own.start", "after_startup"]
    guests_start = ["lifespan enter", "on_startup", "guest.start", "after_startup"]
    guests_stop = ["on_shutdown", "guest.stop", "after_shutdown", "lifespan exit"]
    stop = ["on_shutdown", "own.stop", "after_shutdown", "exit"]
    assert journal == start + guests_start + guests_stop + stop


async def test_host_without_brokers_of_its_own() -> None:
    """An application that only hosts runs its hooks, and gives the guest's broker to handlers."""
    journal: list[str] = []
    guest = RecordingBroker("guest", journal)

    @get
    async def name(broker: Annotated[Any, Context("app.broker")]) -> AsgiResponse:
        return AsgiResponse(broker.name.encode())

    app = application(journal, asgi_routes=[("/name", name)])
    setup(app, guest, consume=False)
    async with served(app) as client:
        assert (await client.get("/name")).text == "guest"
        assert get_broker(app) is guest
    assert journal == [
        *("enter", "on_startup", "after_startup", "guest.connect"),
        *("guest.stop", "on_shutdown", "after_shutdown", "exit"),
    ]


async def test_guest_that_cannot_start() -> None:
    """The host shuts down in order and fails with that error."""
    journal: list[str] = []
    app = application(journal, RecordingBroker("own", journal))
    setup(app, RecordingBroker("guest", journal, fail={"start": BrokerDown("gone")}))
    channel = Channel()
    with pytest.raises(BrokerDown, match="gone"):
        await channel.run(app)
    assert [message["type"] for message in channel.sent] == ["lifespan.startup.failed"]
    assert journal[-5:] == ["guest.stop", "on_shutdown", "own.stop", "after_shutdown", "exit"]


async def test_endpoint_of_a_guest_takes_its_arguments_from_the_guest() -> None:
    """`Context("app")` is the application that the endpoint was set up with."""

    @get
    async def which(app: Annotated[Any, Context()]) -> AsgiResponse:
        return AsgiResponse(type(app).__name__.encode())

    host = AsgiFastStream(RecordingBroker(), asgi_routes=[("/host", which)])
    setup(host, FastStream(RecordingBroker()), asgi_routes=[("/guest", which)])
    async with served(host) as client:
        assert (await client.get("/host")).text == "AsgiFastStream"
        assert (await client.get("/guest")).text == "FastStream"


async def test_setup_that_cannot_be() -> None:
    """Twice, after the start, into itself, into something else, at a path that is taken."""
    app = AsgiFastStream(RecordingBroker(), asgi_routes=[("/alive", alive)])
    with pytest.raises(SetupError, match="cannot host itself"):
        setup(app, app)
    with pytest.raises(SetupError, match="AsgiFastStream"):
        setup(FastStream(), RecordingBroker())  # type: ignore[arg-type]
    with pytest.raises(SetupError, match="taken"):
        setup(app, RecordingBroker(), asgi_routes=[("/alive", alive)])
    async with app.start_lifespan_context():
        with pytest.raises(SetupError, match="after"):
            setup(app, RecordingBroker())
    setup(app, RecordingBroker())
    with pytest.raises(SetupError, match="twice"):
        setup(app, RecordingBroker())


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.parametrize("by", ["port", "bind"])
async def test_run_serves_until_exit(by: str) -> None:
    """`run` takes uvicorn's options as strings, too, and `bind`; `exit` ends it."""
    port = free_port()
    broker = RecordingBroker()
    app = AsgiFastStream(broker, logger=None)

    @get
    async def leave(scope: Scope) -> AsgiResponse:
        app.exit()
        return AsgiResponse(b"bye")

    app.mount("/leave", leave)
    up = asyncio.Event()

    @app.after_startup
    async def ready() -> None:
        up.set()

    place = {"port": str(port)} if by == "port" else {"bind": f"127.0.0.1:{port}"}
    options = {**place, "access_log": "false", "log_config": None, "unknown": 1}
    running = asyncio.create_task(app.run(logging.CRITICAL, options))
    await asyncio.wait_for(up.wait(), 10)
    transport = httpx.AsyncHTTPTransport(retries=5)
    async with httpx.AsyncClient(transport=transport) as client:
        assert (await client.get(f"http://127.0.0.1:{port}/leave")).text == "bye"
    await asyncio.wait_for(running, 10)
    assert broker.journal == ["broker.start", "broker.stop"]


async def test_run_fails_with_the_brokers_error() -> None:
    """A broker that cannot start ends `run` with that very error."""
    error = BrokerDown("gone")
    app = AsgiFastStream(RecordingBroker(fail={"start": error}))
    with pytest.raises(BrokerDown) as caught:
        await app.run(logging.CRITICAL, {"port": free_port(), "log_config": None})
    assert caught.value is error


@pytest.mark.parametrize("options", [{"port": "eighty"}, {"bind": "localhost"}, {"fd": "x"}])
async def test_run_options_that_cannot_be(options: dict[str, Any]) -> None:
    """The error shows the option and what it should be."""
    with pytest.raises(SetupError, match=next(iter(options))):
        await AsgiFastStream(RecordingBroker()).run(run_extra_options=options)


def test_bind_addresses(tmp_path: Any) -> None:
    """TCP and a Unix socket, several at once; one that fails closes the others."""
    path = tmp_path / "s"
    listeners = Listeners.of({"bind": ["127.0.0.1:0", f"unix:{path}"]})
    assert [s.family for s in listeners.sockets] == [socket.AF_INET, socket.AF_UNIX]
    listeners.sockets[1].listen()
    with pytest.raises(OSError, match=f"cannot listen at unix:{path}"):
        Listeners.of({"uds": str(path)})
    listeners.close()
    assert not path.exists()
    assert Listeners.of({}).sockets == []
    with pytest.raises(SetupError):
        Listeners.of({"bind": ["127.0.0.1:0", f"unix:{path}", "nonsense"]})
    assert not path.exists()


async def test_every_verb_at_one_path() -> None:
    """Each method reaches its own endpoint; an own HEAD goes before that of GET."""
    verbs = {"GET": get, "POST": post, "PUT": put, "PATCH": patch, "DELETE": delete}
    verbs |= {"HEAD": head, "OPTIONS": options}

    def endpoint(name: str, verb: Any) -> Any:
        @verb(description=f"answers {name}")
        async def answer(request: Request) -> AsgiResponse:
            body = await request.body()
            return AsgiResponse(b"%s %s" % (name.encode(), body), 200, {"x-verb": name})

        return answer

    app = AsgiFastStream(asgi_routes=[("/things", endpoint(*item)) for item in verbs.items()])
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://test"
    ) as client:
        for name in verbs:
            answer = await client.request(name, "/things", content=b"body")
            assert (answer.status_code, answer.headers["x-verb"]) == (200, name)
            assert answer.text == ("" if name == "HEAD" else f"{name} body")
        refused = await client.request("PURGE", "/things")
    assert refused.status_code == 405
    allowed = {name.strip() for name in refused.headers["allow"].split(",")}
    assert allowed == set(verbs)


@pytest.mark.parametrize("verb", [put, patch, delete, options])
async def test_verbs_without_head(verb: Any) -> None:
    """An endpoint for one method names just that one."""

    @verb
    async def answer() -> AsgiResponse:
        return AsgiResponse(b"done")

    app = AsgiFastStream(asgi_routes=[("/things", answer)])
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://test"
    ) as client:
        for method in ("GET", "HEAD"):
            refused = await client.request(method, "/things")
            assert refused.status_code == 405
            assert refused.headers["allow"] == verb.kind.methods[0]


async def test_get_and_post_share_a_path() -> None:
    """Endpoints of different methods at one path are told apart by the method."""

    @get
    async def shown() -> AsgiResponse:
        return AsgiResponse(b"shown")

    @post
    async def made() -> AsgiResponse:
        return AsgiResponse(b"made", 201)

    app = AsgiFastStream(asgi_routes=[("/things", shown), ("/things", made)])
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://test"
    ) as client:
        assert (await client.get("/things")).text == "shown"
        assert (await client.post("/things")).status_code == 201
        assert (await client.head("/things")).status_code == 200
        refused = await client.put("/things")
    assert refused.status_code == 405
    assert refused.headers["allow"] == "GET, HEAD, POST"
    with pytest.raises(SetupError, match="/things"):
        app.mount("/things", shown)
