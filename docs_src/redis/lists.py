from anystream.redis import ListSub, RedisBroker

broker = RedisBroker("redis://localhost:6379")
done: list[object] = []


@broker.subscriber(list="docs:jobs")
async def job(number: int) -> None:
    """Taken from the list when the handler is ready for it."""
    done.append(number)


@broker.subscriber(list=ListSub("docs:rows", batch=True, max_records=100))
async def rows(numbers: list[int]) -> None:
    """All that there is, 100 at most."""
    done.append(numbers)


@broker.subscriber(list=ListSub("docs:hits", prefetch=100))
async def hit(page: str) -> None:
    """One by one, but read 100 at a time: a process that is killed loses what it had read."""
    done.append(page)


several = broker.publisher(list=ListSub("docs:rows", batch=True))


async def main() -> None:
    await broker.start()
    await broker.publish(1, list="docs:jobs")
    await broker.publish("/", list="docs:hits")
    await broker.publish_batch(1, 2, list="docs:rows")  # one command
    await several.publish(3, 4)
