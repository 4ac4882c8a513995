"""A reverse proxy that puts a prefix before everything: `proxy.py PORT PREFIX TARGET`."""

from __future__ import annotations

import sys
from typing import Any

import httpx
import uvicorn

PASSED_ON = ("content-type", "accept", "if-none-match", "origin", "sec-fetch-site", "authorization")


def make(prefix: str, target: str) -> Any:
    """The proxy as an ASGI application; the host it asks knows nothing of the prefix."""

    async def proxy(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = (await receive()).get("body", b"")
        status, headers, content = 404, [], b"not behind the prefix"
        if scope["path"].startswith(f"{prefix}/"):
            url = target + scope["path"][len(prefix) :]
            asked = [(k, v) for k, v in scope["headers"] if k.decode() in PASSED_ON]
            async with httpx.AsyncClient() as client:
                answer = await client.request(
                    scope["method"],
                    f"{url}?{scope['query_string'].decode()}",
                    headers=asked,
                    content=body,
                    timeout=30,
                )
            status, content = answer.status_code, answer.content
            names = ("content-type", "content-security-policy", "etag")
            headers = [
                (name.encode(), answer.headers[name].encode())
                for name in names
                if name in answer.headers
            ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    return proxy


if __name__ == "__main__":
    uvicorn.run(make(sys.argv[2], sys.argv[3]), port=int(sys.argv[1]), log_level="warning")
