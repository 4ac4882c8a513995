from typing import Annotated

from anystream.core import Context, FastStream, Logger
from anystream.nats import NatsBroker, NatsMessage, TestNatsBroker
from anystream.nats.annotations import NatsBroker as Broker

broker = NatsBroker("nats://localhost:4222")
app = FastStream(broker)


@broker.subscriber("in")
@broker.publisher("out")
async def handle(
    body: str,
    message: NatsMessage,
    logger: Logger,
    own: Broker,
    headers: Annotated[dict[str, str], Context("message.headers")],
) -> str:
    await message.ack()
    return body.upper()


async def test_handle() -> None:
    async with TestNatsBroker(broker) as br:
        await br.publish("hello", "in")
        handle.mock.assert_called_once_with("hello")
