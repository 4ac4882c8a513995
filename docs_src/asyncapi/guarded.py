from typing import Any

from fastapi import FastAPI

from anystream.asgi import AsgiResponse, make_asyncapi_asgi
from docs_src.asyncapi.described import stream


async def guard(scope: Any) -> AsgiResponse | None:
    if (b"x-team", b"ops") in scope["headers"]:
        return None
    return AsgiResponse(b"for the team only", 403)


app = FastAPI()
app.mount("/asyncapi", make_asyncapi_asgi(stream, guard=guard))
