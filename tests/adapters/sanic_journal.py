"""A Sanic application in a child process that writes what happens to the file `$JOURNAL`.

`python -m tests.adapters.sanic_journal PORT WORKERS`; `$FAIL` names a broker method that raises.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from sanic import Sanic, text

from anystream.asgi.types import Receive, Scope, Send
from anystream.sanic import get_broker, setup
from tests.recording_broker import BrokerDown, RecordingBroker


class FileJournal(list[str]):
    """Lines go to a file that several processes share."""

    def append(self, line: str) -> None:
        with open(os.environ["JOURNAL"], "a") as file:
            file.write(f"{line} {os.getpid()}\n")


journal = FileJournal()


async def hold(scope: Scope, receive: Receive, send: Send) -> None:
    """A websocket that stays open."""
    await receive()
    await send({"type": "websocket.accept"})
    message = await receive()
    journal.append(f"{message['type']} {message['code']}")


def make() -> Any:
    app: Any = Sanic("journal")
    fail = os.environ.get("FAIL")
    broker = RecordingBroker(
        journal=journal,
        fail={fail: RuntimeError("stuck") if fail == "stop" else BrokerDown("down")}
        if fail
        else {},
    )
    setup(app, broker, asgi_routes=[("/mnt", hold)])

    # Registered later than the brokers, and still outside of them.
    @app.before_server_start
    async def user_start(app: Any) -> None:
        journal.append("user start")

    @app.after_server_stop
    async def user_stop(app: Any) -> None:
        journal.append("user stop")

    @app.main_process_ready
    async def tell_when_managed(app: Any) -> None:
        wait = app.manager.wait_for_ack

        def wait_and_tell() -> None:
            wait()
            print("Workers acknowledged", flush=True)

        app.manager.wait_for_ack = wait_and_tell

    @app.get("/publish")
    async def publish(request: Any) -> Any:
        await get_broker(request).publish("order")
        return text("ok")

    @app.websocket("/ws")
    async def websocket(request: Any, ws: Any) -> None:
        await ws.send(get_broker(request).name)

    return app


def main() -> None:
    port, workers = int(sys.argv[1]), int(sys.argv[2])
    how: dict[str, Any] = {"workers": workers} if workers > 1 else {"single_process": True}
    app.run(host="127.0.0.1", port=port, motd=False, **how)


if __name__ in ("__main__", "__mp_main__"):
    app = make()

if __name__ == "__main__":
    main()
