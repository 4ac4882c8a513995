from typing import Any

from anystream.conformance import Host, UserCode
from docs_src.adapters.own_adapter import get_broker, setup
from docs_src.adapters.own_framework import Tiny


def make_app(user: UserCode) -> Tiny:
    app = Tiny(user.on_start, user.on_stop)

    async def act(app: Tiny, scope: dict[str, Any]) -> str:
        action = scope["path"].rpartition("/")[2]
        return await user.answer(action, lambda *kind: get_broker(app, *kind))

    async def idiom(app: Tiny, scope: dict[str, Any]) -> str:
        return user.name_of(app.extra["anystream"].broker)

    async def socket(app: Tiny, scope: dict[str, Any]) -> str:
        return await user.answer("broker", lambda: get_broker(app))

    async def catch_all(app: Tiny, scope: dict[str, Any]) -> str:
        return user.catch_all

    app.handlers = {"/user/": act, "/sub/user/": act, "/idiom": idiom, "/": catch_all}
    app.socket = socket
    return app


host = Host(name="tiny", make_app=make_app, setup=setup, servers=("uvicorn",))
