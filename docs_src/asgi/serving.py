import asyncio
from typing import Any

from anystream.asgi import AsgiFastStream, make_ping_asgi
from anystream.memory import MemoryBroker

broker = MemoryBroker()
app = AsgiFastStream(broker, asgi_routes=[("/health", make_ping_asgi(broker))])


async def main(**options: Any) -> None:
    """`host`, `port`, `uds`, `fd`, `bind` and every other option of uvicorn's."""
    await app.run(run_extra_options=options)


if __name__ == "__main__":
    asyncio.run(main(host="127.0.0.1", port=8000))
