"""Answers to requests that nothing here takes."""

from __future__ import annotations

from collections.abc import Iterable

from anystream.asgi.response import AsgiResponse
from anystream.asgi.types import Message, Receive, Scope, Send

PLAIN_TEXT = {"content-type": "text/plain; charset=utf-8"}


async def refuse_method(methods: Iterable[str], scope: Scope, receive: Receive, send: Send) -> None:
    """Answers 405 with the methods that are allowed; closes a websocket."""
    if scope["type"] == "websocket":
        await close_websocket("This path takes no websockets", receive, send)
    elif scope["type"] == "http":
        await method_refusal(methods)(scope, receive, body_for(scope, send))


def method_refusal(methods: Iterable[str]) -> AsgiResponse:
    """The 405 with the methods that are allowed."""
    headers = {**PLAIN_TEXT, "allow": ", ".join(methods)}
    return AsgiResponse(b"Method Not Allowed", 405, headers)


async def refuse_path(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers 404; closes a websocket."""
    if scope["type"] == "websocket":
        await close_websocket("Nothing is mounted at this path", receive, send)
    elif scope["type"] == "http":
        response = AsgiResponse(b"Not Found: nothing is mounted at this path", 404, PLAIN_TEXT)
        await response(scope, receive, body_for(scope, send))


async def close_websocket(reason: str, receive: Receive, send: Send) -> None:
    """Refuses a websocket before it is accepted, which clients see as HTTP 403."""
    await receive()
    await send({"type": "websocket.close", "code": 1000, "reason": reason})


def body_for(scope: Scope, send: Send) -> Send:
    """The channel to answer on: for HEAD one that drops the body."""
    return without_body(send) if scope["method"] == "HEAD" else send


def without_body(send: Send) -> Send:
    """A channel that sends status and headers of a response, and an empty body."""

    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.body":
            if message.get("more_body", False):
                return
            message = {"type": "http.response.body", "body": b""}
        await send(message)

    return send_head
