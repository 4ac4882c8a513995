"""Our ping in each HTTP framework, against the framework's own trivial handler.

Both sides carry the same answer (204, no body) and the same server.
"""

from typing import Any

from tests.benchmarks.bodies import nats_url

ASGI_HOSTS = ("litestar", "quart", "falcon", "blacksheep", "fastapi", "starlette")
HOSTS = ("aiohttp", "sanic", *ASGI_HOSTS)


def path_of(case: str, side: str) -> str:
    """What the load asks for."""
    return "/trivial" if side == "raw" else "/ping"


def serve(case: str, side: str, port: int) -> None:
    """Serves one side until the process ends, on the server the framework is deployed on."""
    app = APPS[case]()
    if side != "raw":
        add_ping(case, app)
    if case == "aiohttp":
        from aiohttp import web

        web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None)
    elif case == "sanic":
        app.run("127.0.0.1", port, single_process=True, access_log=False, motd=False)
    else:
        import uvicorn

        uvicorn.run(
            app,
            host="127.0.0.1",
            port=port,
            loop="uvloop",
            http="httptools",
            access_log=False,
            log_level="error",
        )


def add_ping(case: str, app: Any) -> None:
    """One line of ours in the user's application."""
    from importlib import import_module

    from anystream.asgi import make_ping_asgi
    from anystream.nats import NatsBroker

    broker = NatsBroker(nats_url(), logger=None)
    setup = import_module(f"anystream.{case}").setup
    setup(app, broker, asgi_routes=[("/ping", make_ping_asgi(broker, timeout=5.0))])


def aiohttp_app() -> Any:
    from aiohttp import web

    async def trivial(request: web.Request) -> web.Response:
        return web.Response(status=204)

    app = web.Application()
    app.router.add_get("/trivial", trivial)
    return app


def sanic_app() -> Any:
    from sanic import Sanic, response

    app = Sanic("bench", configure_logging=False)

    @app.get("/trivial")
    async def trivial(request: Any) -> Any:
        return response.empty()

    return app


def litestar_app() -> Any:
    from litestar import Litestar, get

    @get("/trivial", status_code=204)
    async def trivial() -> None:
        return None

    return Litestar([trivial], openapi_config=None)


def quart_app() -> Any:
    from quart import Quart

    app = Quart("bench")

    @app.get("/trivial")
    async def trivial() -> Any:
        return "", 204

    return app


def falcon_app() -> Any:
    import falcon
    import falcon.asgi

    class Trivial:
        async def on_get(self, req: Any, resp: Any) -> None:
            resp.status = falcon.HTTP_204

    app = falcon.asgi.App()
    app.add_route("/trivial", Trivial())
    return app


def blacksheep_app() -> Any:
    from blacksheep import Application, Response, get

    app = Application()

    @get("/trivial")
    async def trivial() -> Response:
        return Response(204)

    return app


def fastapi_app() -> Any:
    from fastapi import FastAPI, Response

    app = FastAPI()

    @app.get("/trivial", status_code=204)
    async def trivial() -> Response:
        return Response(status_code=204)

    return app


def starlette_app() -> Any:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    async def trivial(request: Request) -> Response:
        return Response(status_code=204)

    return Starlette(routes=[Route("/trivial", trivial)])


APPS = {
    "aiohttp": aiohttp_app,
    "sanic": sanic_app,
    "litestar": litestar_app,
    "quart": quart_app,
    "falcon": falcon_app,
    "blacksheep": blacksheep_app,
    "fastapi": fastapi_app,
    "starlette": starlette_app,
}
