"""A TCP proxy in a thread of its own, to cut the network between a client and its server."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any

LINGER_NOT = struct.pack("ii", 1, 0)  # closing sends a reset, not an orderly end


class Proxy:
    """Listens on a free port and forwards.

    `forward()` is how it begins. `reset()` resets all connections and every new one at once.
    `hole()` swallows what either side sends, and new connections too, without a sign; those of
    that time stay dead also when it forwards again, as behind a router that has forgotten them.
    """

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = int(self._listener.getsockname()[1])
        self.target = 0
        self.attempts = 0
        self._mode = "forward"
        self._links: set[_Link] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._call(self._listen)

    def _listen(self) -> None:
        self._listener.setblocking(False)
        self._accepting = self._loop.create_task(self._accept())

    async def _accept(self) -> None:
        while True:
            client, _ = await self._loop.sock_accept(self._listener)
            self.attempts += 1
            if self._mode == "reset":
                _reset(client)
                continue
            link = _Link(self._loop, client, self.target)
            link.dead = self._mode == "hole"
            self._links.add(link)
            link.task = self._loop.create_task(link.run())
            link.task.add_done_callback(lambda _, link=link: self._links.discard(link))

    def _call(self, what: Callable[[], Any]) -> None:
        done = threading.Event()

        def run() -> None:
            try:
                what()
            finally:
                done.set()

        self._loop.call_soon_threadsafe(run)
        done.wait(5.0)

    def forward(self) -> None:
        """New connections reach the server again."""
        self._mode = "forward"

    def reset(self) -> None:
        """All connections are reset, now and from now on."""

        def end() -> None:
            self._mode = "reset"
            for link in tuple(self._links):
                link.end()

        self._call(end)

    def hole(self) -> None:
        """Nothing gets through any more, and nobody is told."""

        def swallow() -> None:
            self._mode = "hole"
            for link in self._links:
                link.dead = True

        self._call(swallow)

    def close(self) -> None:
        """Ends it and all its connections."""

        def end() -> None:
            self._accepting.cancel()
            for link in tuple(self._links):
                link.end()
            self._loop.call_later(0.05, self._loop.stop)

        self._call(end)
        self._thread.join(5.0)
        self._loop.close()
        self._listener.close()


class _Link:
    """One connection through the proxy."""

    def __init__(self, loop: asyncio.AbstractEventLoop, client: socket.socket, port: int) -> None:
        self.loop = loop
        self.client = client
        self.port = port
        self.server: socket.socket | None = None
        self.dead = False
        self.task: asyncio.Task[None] | None = None
        client.setblocking(False)

    async def run(self) -> None:
        """Forwards until one side ends; then the other one is reset."""
        try:
            if not self.dead:
                self.server = socket.socket()
                self.server.setblocking(False)
                await self.loop.sock_connect(self.server, ("127.0.0.1", self.port))
                there = self.loop.create_task(self._pump(self.client, self.server))
                back = self.loop.create_task(self._pump(self.server, self.client))
                try:
                    await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    there.cancel()
                    back.cancel()
                    await asyncio.gather(there, back, return_exceptions=True)
            if self.dead:  # nobody hears that the other side has gone
                await self._swallow()
        except OSError:
            return
        finally:
            _reset(self.client)
            if self.server is not None:
                _reset(self.server)

    async def _pump(self, source: socket.socket, target: socket.socket) -> None:
        while data := await self.loop.sock_recv(source, 65536):
            if not self.dead:
                await self.loop.sock_sendall(target, data)

    async def _swallow(self) -> None:
        while await self.loop.sock_recv(self.client, 65536):
            pass

    def end(self) -> None:
        if self.task is not None:
            self.task.cancel()


def _reset(side: socket.socket) -> None:
    with contextlib.suppress(OSError):
        side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
    side.close()
