"""What holds for every ASGI framework; the test of an adapter adds how an application is made."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any, ClassVar

import httpx
import pytest
import websockets

from anystream.asgi.hosting import Hosted
from anystream.core.exceptions import NotStarted, SetupError
from tests.recording_broker import BrokerDown, OtherBroker, RecordingBroker, RecordingStream
from tests.serving import ServerFailed, serve


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """A foreign ASGI application: tells what it was asked, and echoes a websocket."""
    seen = {name: scope[name] for name in ("path", "root_path")}
    seen["raw_path"] = scope["raw_path"].decode()
    seen["query"] = scope["query_string"].decode()
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept", "subprotocol": "echo"})
        message = await receive()
        await send({"type": "websocket.send", "text": json.dumps({**seen, **message})})
        await send({"type": "websocket.close", "code": 4001})
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    seen |= {"method": scope["method"], "body": body.decode()}
    headers = [(b"x-many", b"1"), (b"x-many", b"2")]
    await send({"type": "http.response.start", "status": 201, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(seen).encode()})


class Ping:
    """An exact endpoint."""

    exact = True

    def __init__(self, broker: RecordingBroker) -> None:
        self.broker = broker

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        status = 204 if await self.broker.ping(1) else 500
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body"})


class AsgiHostChecks:
    """Subclasses say how to make an application of their framework.

    `make(journal)`: start and stop hooks that write "app.start" and "app.stop"; GET /publish and
    the websocket /ws that publish through `get_broker` and answer "published"; GET /other that
    answers with the name of the broker of the type OtherBroker; GET /taken; and a route for all
    else that answers "catch-all".
    """

    host: ClassVar[str]
    servers: ClassVar[tuple[str, ...]] = ("uvicorn",)
    knows_its_start: ClassVar[bool] = True
    undone: ClassVar[list[str]] = ["app.stop"]

    @staticmethod
    def make(journal: list[str]) -> Any:
        raise NotImplementedError

    @staticmethod
    def setup(app: Any, stream: Any, **options: Any) -> Hosted:
        raise NotImplementedError

    def hosting(
        self, *brokers: RecordingBroker, stream: Any = None, **options: Any
    ) -> tuple[Any, Hosted]:
        app = self.make(brokers[0].journal)
        stream = stream or (brokers[0] if len(brokers) == 1 else RecordingStream(*brokers))
        routes = [("/echo", echo), ("/ping", Ping(brokers[0])), ("/echo/deep", Ping(brokers[0]))]
        return app, self.setup(app, stream, asgi_routes=routes, **options)

    async def test_order(self) -> None:
        """The application starts, the broker, requests; and back."""
        for server in self.servers:
            broker = RecordingBroker()
            app, hosted = self.hosting(broker)
            assert broker.journal == []
            async with serve(app, server=server) as address, httpx.AsyncClient() as client:
                assert hosted.running
                answer = await client.get(f"http://{address}/publish")
                assert answer.text.strip('"') == "published"
            expected = ["app.start", "broker.start", "broker.publish http", "broker.stop"]
            assert broker.journal == [*expected, "app.stop"]

    async def test_several_brokers_and_hooks(self) -> None:
        """A stream's hooks and brokers run inside the application's."""
        journal: list[str] = []
        one, two = RecordingBroker("one", journal), OtherBroker("two", journal)
        app, _ = self.hosting(one, two)
        async with serve(app) as address, httpx.AsyncClient() as client:
            assert (await client.get(f"http://{address}/other")).text.strip('"') == "two"
        assert journal == [
            "app.start",
            "lifespan enter",
            "on_startup",
            "one.start",
            "two.start",
            "after_startup",
            "on_shutdown",
            "two.stop",
            "one.stop",
            "after_shutdown",
            "lifespan exit",
            "app.stop",
        ]

    async def test_publish_only(self) -> None:
        """With consume=False the broker is connected, and publishes."""
        broker = RecordingBroker()
        app, _ = self.hosting(broker, consume=False)
        async with serve(app) as address, httpx.AsyncClient() as client:
            assert (await client.get(f"http://{address}/publish")).status_code == 200
        assert "broker.connect" in broker.journal
        assert "broker.start" not in broker.journal

    async def test_failed_start(self, caplog: pytest.LogCaptureFixture) -> None:
        """The server does not start, shows the reason, and nothing is left running."""
        broker = RecordingBroker(fail={"start": BrokerDown("nobody answers at 127.0.0.1:4222")})
        app, hosted = self.hosting(broker)
        with pytest.raises(ServerFailed):
            async with serve(app):
                pass
        assert "nobody answers at 127.0.0.1:4222" in caplog.text
        assert broker.journal == ["app.start", "broker.start", "broker.stop", *self.undone]
        assert not hosted.running

    async def test_start_timeout(self, caplog: pytest.LogCaptureFixture) -> None:
        """A broker that hangs at the start is named."""
        app, _ = self.hosting(RecordingBroker(hang=("start",)), start_timeout=0.05)
        with pytest.raises(ServerFailed):
            async with serve(app):
                pass
        assert "RecordingBroker did not start within 0.05 s" in caplog.text

    async def test_failing_stop(self, caplog: pytest.LogCaptureFixture) -> None:
        """A broker that cannot stop keeps nobody from stopping."""
        broker = RecordingBroker(fail={"stop": RuntimeError("stuck in the drain")})
        app, _ = self.hosting(broker)
        async with serve(app):
            pass
        assert broker.journal[-2:] == ["broker.stop", "app.stop"]
        assert "stuck in the drain" in caplog.text

    async def test_restart(self) -> None:
        """The same application can be served again."""
        broker = RecordingBroker()
        app, hosted = self.hosting(broker)
        for _ in range(2):
            async with serve(app) as address, httpx.AsyncClient() as client:
                assert (await client.get(f"http://{address}/ping")).status_code == 204
            assert not hosted.running
        assert broker.journal.count("broker.start") == 2

    @pytest.mark.parametrize(
        ("path", "root"), [("/echo", "/echo"), ("/echo/", "/echo"), ("/echo/a%20b//c/", "/echo")]
    )
    async def test_mount_scope(self, path: str, root: str) -> None:
        """A mounted application gets the whole path, and its prefix in root_path."""
        app, _ = self.hosting(RecordingBroker())
        for server in self.servers:
            async with serve(app, server=server) as address, httpx.AsyncClient() as client:
                url = f"http://{address}{path}?q=1&q=2"
                answer = await client.request("PURGE", url, content=b"body")
            assert answer.status_code == 201
            assert answer.headers.get_list("x-many") == ["1", "2"]
            assert "content-type" not in answer.headers
            assert answer.json() == {
                "path": path.replace("%20", " "),
                "raw_path": path,
                "root_path": root,
                "query": "q=1&q=2",
                "method": "PURGE",
                "body": "body",
            }

    async def test_paths(self) -> None:
        """Mounts end at a slash, exact routes are exact, all else is the application's."""
        app, _ = self.hosting(RecordingBroker())
        async with serve(app) as address, httpx.AsyncClient(base_url=f"http://{address}") as client:
            for path in ("/ping", "/ping/", "/echo/deep"):
                assert (await client.get(path)).status_code == 204, path
            assert (await client.get("/echo/deeper")).status_code == 201
            for path in ("/echofoo", "/ping/x", "/other/x", "/pingx"):
                answer = await client.get(path)
                assert (answer.status_code, answer.text.strip('"')) == (200, "catch-all"), path

    async def test_websockets(self) -> None:
        """Mounted websockets work, and the application's own get the broker."""
        broker = RecordingBroker()
        app, _ = self.hosting(broker)
        for server in self.servers:
            async with serve(app, server=server) as address:
                url = f"ws://{address}/echo/ws?q=1"
                async with websockets.connect(url, subprotocols=["echo"]) as ws:
                    assert ws.subprotocol == "echo"
                    await ws.send("hello")
                    seen = json.loads(await ws.recv())
                    assert (seen["text"], seen["path"]) == ("hello", "/echo/ws")
                    assert (seen["root_path"], seen["query"]) == ("/echo", "q=1")
                    await ws.wait_closed()
                    assert ws.close_code == 4001
                async with websockets.connect(f"ws://{address}/ws") as ws:
                    assert await ws.recv() == "published"
        assert broker.journal.count("broker.publish websocket") == len(self.servers)

    async def test_lifespan_off(self, caplog: pytest.LogCaptureFixture) -> None:
        """Without a lifespan: ping says 500, the broker is refused, one line tells why."""
        broker = RecordingBroker()
        app, hosted = self.hosting(broker)
        async with (
            serve(app, lifespan="off") as address,
            httpx.AsyncClient(base_url=f"http://{address}") as client,
        ):
            for _ in range(2):
                assert (await client.get("/ping")).status_code == 500
            assert (await client.get("/publish")).status_code == 500
        lines = [r for r in caplog.records if r.name == "anystream.hosting"]
        assert [r.levelno for r in lines] == [logging.ERROR]
        assert "--lifespan off" in lines[0].getMessage()
        assert "broker.start" not in broker.journal
        with pytest.raises(NotStarted, match="never started"):
            hosted.require()

    async def test_concurrent_requests(self) -> None:
        """Many requests at once each get their own answer."""
        app, _ = self.hosting(RecordingBroker())
        async with serve(app) as address, httpx.AsyncClient(base_url=f"http://{address}") as client:
            calls = [client.post(f"/echo/{n}", content=str(n)) for n in range(20)]
            answers = await asyncio.gather(*calls)
        assert [answer.json()["body"] for answer in answers] == [str(n) for n in range(20)]

    def test_setup_twice(self) -> None:
        """A second setup is refused."""
        app, _ = self.hosting(RecordingBroker())
        with pytest.raises(SetupError, match=f"called twice for the same {self.host} application"):
            self.setup(app, RecordingBroker())

    async def test_setup_after_start(self) -> None:
        """A setup that comes too late is refused; where the framework does not say that it has
        started, the first one who asks for the broker is told that it was never started."""
        app = self.make([])
        async with serve(app) as address, httpx.AsyncClient(base_url=f"http://{address}") as client:
            if self.knows_its_start:
                with pytest.raises(SetupError, match=r"after the .* application had started"):
                    self.setup(app, RecordingBroker())
                return
            broker = RecordingBroker()
            hosted = self.setup(app, broker)
            assert (await client.get("/publish")).status_code == 500
            with pytest.raises(NotStarted, match="never started"):
                hosted.require()
            assert broker.journal == []

    def test_wrong_application(self) -> None:
        """Something that is no application of the framework is refused."""
        with pytest.raises(SetupError, match=rf"anystream\.{self.host} needs a .* not the dict"):
            self.setup({}, RecordingBroker())

    def test_taken_path(self) -> None:
        """A path that the application has a route for is refused."""
        with pytest.raises(SetupError, match=r"'/taken' is taken by a route"):
            self.setup(self.make([]), RecordingBroker(), asgi_routes=[("/taken", echo)])

    @pytest.mark.parametrize(
        ("stream", "options", "message"),
        [
            (RecordingBroker, {}, "is the class RecordingBroker itself"),
            ("nats://localhost", {}, r"which has no `start\(\)`"),
            ([RecordingBroker()], {}, r"FastStream\(one, two\)"),
            (RecordingBroker(), {"asgi_routes": {"/a": echo}}, "has to be pairs"),
            (RecordingBroker(), {"asgi_routes": ["/a"]}, "has to be pairs"),
            (RecordingBroker(), {"asgi_routes": [("/a", None)]}, "ASGI callable"),
            (RecordingBroker(), {"asgi_routes": [("/", echo)]}, "would hide the whole"),
            (RecordingBroker(), {"asgi_routes": [("/a", echo), ("/a", echo)]}, "taken twice"),
            (RecordingBroker(), {"start_timeout": 0}, "`start_timeout` has to be a number"),
            (RecordingBroker(), {"stop_timeout": "1"}, "`stop_timeout` has to be a number"),
            (RecordingBroker(), {"consume": 1}, "`consume` has to be True or False"),
        ],
    )
    def test_bad_arguments(self, stream: Any, options: dict[str, Any], message: str) -> None:
        """Each wrong argument is refused with what to pass, and the application is left alone."""
        app = self.make([])
        with pytest.raises(SetupError, match=message):
            self.setup(app, stream, **options)
        self.setup(app, RecordingBroker())
