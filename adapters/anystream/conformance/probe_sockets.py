"""The websocket half of the mounted probe application."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from anystream.conformance.journal import Journal

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

CLOSE_CODE = 4321
CLOSE_REASON = "the probe closes"


async def serve_socket(
    journal: Journal, action: str, scope: Message, receive: Receive, send: Send
) -> None:
    """Serves one websocket; `action` is the last segment of its path."""
    await receive()
    if action == "reject":
        await send({"type": "websocket.close", "code": 1008})
        return
    subprotocols = scope.get("subprotocols") or []
    chosen = subprotocols[-1] if action == "subprotocol" else None
    await send({"type": "websocket.accept", "subprotocol": chosen})
    if action == "close":
        await send({"type": "websocket.close", "code": CLOSE_CODE, "reason": CLOSE_REASON})
    elif action == "scope":
        paths = {name: scope.get(name) for name in ("path", "root_path", "type")}
        paths["query_string"] = scope["query_string"].decode()
        await send({"type": "websocket.send", "text": json.dumps(paths)})
        await send({"type": "websocket.close", "code": 1000})
    else:
        await _echo(journal, receive, send)


async def _echo(journal: Journal, receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            journal.write("probe.socket_closed", code=message.get("code"))
            return
        text, data = message.get("text"), message.get("bytes")
        if text is not None:
            await send({"type": "websocket.send", "text": text})
        else:
            await send({"type": "websocket.send", "bytes": data})
