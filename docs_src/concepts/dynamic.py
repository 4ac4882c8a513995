from anystream.memory import MemoryBroker

broker = MemoryBroker()


async def main() -> list[object]:
    await broker.start()

    late = broker.subscriber("late", persistent=False)

    @late
    async def handler(number: int) -> None:
        """A subscriber that is declared while the broker runs."""

    await late.start()
    await late.pause()  # takes nothing, forgets nothing that it took
    await late.resume()
    await late.stop()

    taken: list[object] = []
    async with broker.subscriber("one.by.one", persistent=False) as subscriber:
        waiting = subscriber.get_one(timeout=0.01)  # None: nothing came in time
        taken.append(await waiting)
        await broker.publish("hello", "one.by.one")
        message = await subscriber.get_one(timeout=1.0)
        if message is not None:
            taken.append(await message.decode())
    await broker.stop()
    return taken
