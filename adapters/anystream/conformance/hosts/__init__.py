"""The hosts of the adapters that anystream ships, one module each, all called `host`."""

from __future__ import annotations

SHIPPED = tuple(
    f"anystream.conformance.hosts.{name}:host"
    for name in (
        "asgi",
        "starlette",
        "fastapi",
        "fastapi_router",
        "litestar",
        "quart",
        "falcon",
        "blacksheep",
        "aiohttp",
        "sanic",
    )
)
