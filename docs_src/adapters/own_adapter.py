from collections.abc import Iterable
from typing import Any

from anystream.asgi.hosting import Hosted, hosted_of
from anystream.asgi.lifespan import host_instance
from docs_src.adapters.own_framework import Tiny


def setup(
    app: Tiny,
    stream: Any,
    *,
    asgi_routes: Iterable[tuple[str, Any]] = (),
    asyncapi_path: Any = None,
    consume: bool = True,
    start_timeout: float | None = 30.0,
    stop_timeout: float | None = 10.0,
) -> Hosted:
    hosted = Hosted(
        stream,
        host="tiny",
        asgi_routes=asgi_routes,
        asyncapi_path=asyncapi_path,
        consume=consume,
        start_timeout=start_timeout,
        stop_timeout=stop_timeout,
    )
    is_app = isinstance(app, Tiny)
    already = is_app and "anystream" in app.extra
    hosted.check_host(app, Tiny, already=already, started=is_app and app.started)
    app.extra["anystream"] = hosted
    host_instance(app, hosted)  # lifespan and mounts, around the application's own
    return hosted


def get_broker(app: Tiny, kind: type[Any] | None = None) -> Any:
    return hosted_of(None, app.extra.get("anystream"), "tiny").require(kind)
