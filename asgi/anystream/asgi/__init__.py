"""The built-in ASGI application, HTTP endpoints for any framework, and the ASGI bridge."""

from typing import TYPE_CHECKING

from anystream.core.lazy_names import lazy_names

if TYPE_CHECKING:
    from anystream.asgi.adapter import get_broker, setup
    from anystream.asgi.annotations import Request
    from anystream.asgi.app import AsgiFastStream
    from anystream.asgi.asyncapi import AsyncAPIRoute, make_asyncapi_asgi
    from anystream.asgi.guards import Guard, HttpBasic
    from anystream.asgi.handlers import HttpHandler
    from anystream.asgi.health import (
        HealthCheck,
        make_liveness_asgi,
        make_readiness_asgi,
        make_startup_asgi,
    )
    from anystream.asgi.params import Header, Query
    from anystream.asgi.ping import make_ping_asgi
    from anystream.asgi.response import AsgiResponse, JSONResponse
    from anystream.asgi.verbs import delete, get, head, options, patch, post, put

__all__ = (
    "AsgiFastStream",
    "AsgiResponse",
    "AsyncAPIRoute",
    "Guard",
    "Header",
    "HealthCheck",
    "HttpBasic",
    "HttpHandler",
    "JSONResponse",
    "Query",
    "Request",
    "delete",
    "get",
    "get_broker",
    "head",
    "make_asyncapi_asgi",
    "make_liveness_asgi",
    "make_ping_asgi",
    "make_readiness_asgi",
    "make_startup_asgi",
    "options",
    "patch",
    "post",
    "put",
    "setup",
)

# the bridge must not cost an application what only another application uses
__getattr__ = lazy_names(
    __name__,
    {
        "AsgiFastStream": "anystream.asgi.app",
        "AsgiResponse": "anystream.asgi.response",
        "AsyncAPIRoute": "anystream.asgi.asyncapi",
        "Guard": "anystream.asgi.guards",
        "Header": "anystream.asgi.params",
        "HealthCheck": "anystream.asgi.health",
        "HttpBasic": "anystream.asgi.guards",
        "HttpHandler": "anystream.asgi.handlers",
        "JSONResponse": "anystream.asgi.response",
        "Query": "anystream.asgi.params",
        "Request": "anystream.asgi.annotations",
        "get_broker": "anystream.asgi.adapter",
        "make_asyncapi_asgi": "anystream.asgi.asyncapi",
        "make_liveness_asgi": "anystream.asgi.health",
        "make_ping_asgi": "anystream.asgi.ping",
        "make_readiness_asgi": "anystream.asgi.health",
        "make_startup_asgi": "anystream.asgi.health",
        "setup": "anystream.asgi.adapter",
        **dict.fromkeys(
            ("delete", "get", "head", "options", "patch", "post", "put"), "anystream.asgi.verbs"
        ),
    },
)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
