from anystream.core import AckPolicy
from anystream.core.exceptions import NackMessage, RejectMessage
from anystream.memory import MemoryBroker, MemoryMessage

broker = MemoryBroker(ack_policy=AckPolicy.NACK_ON_ERROR)


@broker.subscriber("jobs")
async def job(number: int) -> None:
    """An exception delivers the message again: the broker's policy."""


@broker.subscriber("once", ack_policy=AckPolicy.REJECT_ON_ERROR)
async def at_most_one_error(number: int) -> None:
    """An exception gives the message up: this subscriber's own policy."""


@broker.subscriber("deciding")
async def deciding(number: int) -> None:
    if number < 0:
        raise RejectMessage
    if number == 0:
        raise NackMessage(delay=1.0)


@broker.subscriber("by_hand", ack_policy=AckPolicy.MANUAL)
async def by_hand(number: int, message: MemoryMessage) -> None:
    await message.ack()
