from typing import Any

from anystream.memory import MemoryBroker

broker = MemoryBroker()


@broker.subscriber("none")
async def no_parameter() -> list[Any]:
    return []


@broker.subscriber("one")
async def one_parameter(body: Any) -> list[Any]:
    return [body]


@broker.subscriber("two")
async def two_parameters(item: Any, price: Any = 1.0) -> list[Any]:
    return [item, price]


@broker.subscriber("any")
async def any_number(*parts: Any) -> list[Any]:
    return list(parts)
