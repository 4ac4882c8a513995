from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any

from anystream.core import BaseMiddleware, ExceptionMiddleware, Logger, PublishCommand
from anystream.core.message import StreamMessage
from anystream.memory import MemoryBroker


class Timing(BaseMiddleware):
    async def consume_scope(
        self, call_next: Callable[[StreamMessage[Any]], Awaitable[Any]], msg: StreamMessage[Any]
    ) -> Any:
        started = perf_counter()
        try:
            return await call_next(msg)
        finally:
            logger = self.context.get("logger")
            if logger is not None:  # a silent broker has none
                logger.log(20, f"{perf_counter() - started:.6f} s")

    async def publish_scope(
        self, call_next: Callable[[PublishCommand], Awaitable[Any]], cmd: PublishCommand
    ) -> Any:
        cmd.add_headers({"x-sender": "shop"})
        return await call_next(cmd)


errors = ExceptionMiddleware()


@errors.add_handler(ValueError, publish=True)
async def instead(error: ValueError, logger: Logger) -> str:
    logger.log(30, f"answered for: {error}")
    return "invalid"


broker = MemoryBroker(middlewares=[Timing, errors])


@broker.subscriber("orders")
@broker.publisher("results")
async def order(price: float) -> str:
    if price < 0:
        raise ValueError("negative price")
    return "accepted"
