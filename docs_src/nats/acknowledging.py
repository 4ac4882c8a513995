from anystream.core import AckPolicy
from anystream.nats import JStream, NatsBroker, NatsMessage

broker = NatsBroker("nats://localhost:4222")
stream = JStream("DOCS_JOBS")
done: list[str] = []


@broker.subscriber("docs.jobs", stream=stream, ack_policy=AckPolicy.MANUAL)
async def job(name: str, message: NatsMessage) -> None:
    if name == "broken":
        await message.reject()  # never again
    elif name == "later" and "later" not in done:
        done.append(name)
        await message.nack(delay=0.2)  # again, in so many seconds
    else:
        await message.in_progress()  # the stream's patience (ack_wait) starts anew
        done.append(name)
        await message.ack_sync()  # and waits until the server has noted it
