"""Adapters that start and stop wrongly, each with the clauses that it must break."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from typing import Any

from reference_adapter import ReferenceAdapter


class Backwards(ReferenceAdapter):
    """Everything in the opposite order."""

    breaks = "L01 L03 L04 L05 L06 L07 L11 N01 N03 S05"

    async def start_stream(self) -> None:
        await self.stream.run_hooks("after_startup")
        self.brokers.reverse()
        await self.start_brokers()
        await self.stream.run_hooks("on_startup")
        await self.lifespan.enter_async_context(self.stream.lifespan_scope())

    async def stop(self) -> None:
        await self.lifespan.aclose()
        await self.stop_hook("after_shutdown")
        self.touched.reverse()
        await self.stop_brokers()
        await self.stop_hook("on_shutdown")

    async def serve_lifespan(self, scope: Any, receive: Any, send: Any) -> None:
        await self.start()
        await self.app.serve(scope, receive, send)
        await self.stop()


class Background(ReferenceAdapter):
    """Starts all brokers at once and waits for none."""

    breaks = "L02 N02 F16"

    async def start_brokers(self) -> None:
        self.tasks = [asyncio.ensure_future(broker.start()) for broker in self.brokers]


class Eager(ReferenceAdapter):
    """Starts the brokers in `setup`, in a thread of its own, and then again; talks too much."""

    breaks = "L08 L09 L10 L12 W01"

    @classmethod
    def setup(cls, app: Any, stream: Any, **options: Any) -> ReferenceAdapter:
        """The verb of every adapter."""
        adapter = super().setup(app, stream, **options)

        async def start_all() -> None:
            for broker in adapter.brokers:
                await broker.start()

        thread = threading.Thread(target=lambda: asyncio.run(start_all()))
        thread.start()
        thread.join()
        print("Traceback (most recent call last): nothing really", flush=True)
        return adapter


class Forking(ReferenceAdapter):
    """Starts the brokers in a process of its own as well."""

    breaks = "W03"

    async def start_brokers(self) -> None:
        await super().start_brokers()
        code = "import served_elsewhere; served_elsewhere.start_brokers()"
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
        await process.wait()


class OnSignal(ReferenceAdapter):
    """Does something of its own as soon as a signal comes, before the server knows of it."""

    def at_signal(self) -> None:
        raise NotImplementedError

    async def serve_lifespan(self, scope: Any, receive: Any, send: Any) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            before = signal.getsignal(number)

            def handle(number: int, frame: Any, before: Any = before) -> None:
                self.at_signal()
                before(number, frame)

            signal.signal(number, handle)
        await super().serve_lifespan(scope, receive, send)


class Hasty(OnSignal):
    """Stops the brokers before the server has drained its requests."""

    breaks = "S02 S03"

    def at_signal(self) -> None:
        self.stopping = asyncio.ensure_future(self.stop())


class Abrupt(OnSignal):
    """Ends the process at a signal."""

    breaks = "S01 S04 L13 W02"

    def at_signal(self) -> None:
        os._exit(0)


class Careless(ReferenceAdapter):
    """Goes on after every error in the start."""

    breaks = "F01 F02 F03 F04 F05 F06 F07 F08 F09 F10 F11 F12 F13 F14 F15 T04"

    async def start_stream(self) -> None:
        await self.lifespan.enter_async_context(self.stream.lifespan_scope())
        for step in (
            lambda: self.stream.run_hooks("on_startup"),
            self.start_brokers,
            lambda: self.stream.run_hooks("after_startup"),
        ):
            try:
                await step()
            except Exception:
                continue

    async def start_broker(self, broker: Any) -> None:
        try:
            await super().start_broker(broker)
        except Exception:
            return

    async def serve_lifespan(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().serve_lifespan(scope, receive, lambda message: quietly(send, message))
        except Exception:
            await send({"type": "lifespan.startup.complete"})


async def quietly(send: Any, message: Any) -> None:
    if not message["type"].endswith("failed"):
        await send(message)


class Talkative(ReferenceAdapter):
    """Tells the server that the start failed, and then cleans up."""

    breaks = "F17"

    async def serve_lifespan(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().serve_lifespan(scope, receive, send)
        finally:
            await asyncio.sleep(0.1)


class Brittle(ReferenceAdapter):
    """Gives up at the first error in the stop."""

    breaks = "S06 S07 S08 S09 S10 S11 S12 S13"

    async def stop(self) -> None:
        try:
            await self.stream.run_hooks("on_shutdown")
        except Exception:
            sys.stdout.flush()
            os._exit(1)
        await super().stop()


class Clingy(ReferenceAdapter):
    """Never ends once it has served a websocket."""

    breaks = "S14"
    served_sockets = False

    async def serve_mount(self, path: str, scope: Any, receive: Any, send: Any) -> None:
        self.served_sockets |= scope["type"] == "websocket"
        await super().serve_mount(path, scope, receive, send)

    async def stop(self) -> None:
        if self.served_sockets:
            await asyncio.sleep(3600)
        await super().stop()


class Narrow(ReferenceAdapter):
    """Knows FastStream applications only."""

    breaks = "N04 N05 W04 W05 W06"

    def __init__(self, app: Any, stream: Any, options: dict[str, Any]) -> None:
        super().__init__(app, stream, options)
        if not self.is_app:
            self.brokers = []
            self.is_foreign = False


class Publisher(ReferenceAdapter):
    """Connects the brokers and starts no subscriber."""

    breaks = "R01 R02 R03 R04"

    async def start_broker(self, broker: Any) -> None:
        await broker.connect()


class Absent(ReferenceAdapter):
    """Never starts and never stops anything."""

    breaks = "T01 T02 T03"

    async def start(self) -> None:
        self.running = False

    async def stop(self) -> None:
        self.running = False


ADAPTERS = (
    Backwards,
    Background,
    Eager,
    Forking,
    Hasty,
    Abrupt,
    Careless,
    Talkative,
    Brittle,
    Clingy,
    Narrow,
    Publisher,
    Absent,
)
