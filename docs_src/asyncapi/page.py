from anystream.asgi import AsyncAPIRoute, HttpBasic
from docs_src.asyncapi.described import stream

app = stream.as_asgi(
    asyncapi_path=AsyncAPIRoute(
        "/docs/asyncapi",
        guard=HttpBasic({"ann": "secret"}),
        schemas=False,
        try_it_out_real_broker=True,
    ),
)
