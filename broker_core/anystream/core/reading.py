"""Messages taken one by one, without a handler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from anystream.core.context import current_frame
from anystream.core.handler import around
from anystream.core.message import SourceType
from anystream.core.options import check_options
from anystream.core.outbox import new_middlewares
from anystream.core.plan import decode_batch, default_decode
from anystream.core.stages import consume_chain, leave

if TYPE_CHECKING:
    from anystream.core.message import StreamMessage
    from anystream.core.subscriber import Subscriber


class Reading:
    """The reader of a subscriber with the middlewares around it.

    Args:
        subscriber: a started subscriber without handlers.
    """

    def __init__(self, subscriber: Subscriber) -> None:
        self.subscriber = subscriber
        self.reader = subscriber.broker.transport.reader(subscriber)

    async def get(
        self, timeout: float | None, options: Mapping[str, Any] | None = None
    ) -> StreamMessage[Any] | None:
        """The next message; None when there was none within `timeout` seconds."""
        if options:
            check_options("get_one", options, self.reader.options)
        raw = await self.reader.get(timeout, **(options or {}))
        if raw is None:
            return None
        merged = self.subscriber.merged
        message = await incoming(self.subscriber, raw, merged.middlewares, merged)
        return message

    async def close(self) -> None:
        """Ends the subscription."""
        await self.reader.close()


async def incoming(
    subscriber: Subscriber | None, raw: Any, factories: Any, merged: Any, broker: Any = None
) -> StreamMessage[Any]:
    """Parses a message that no handler takes, through the consume middlewares."""
    broker = broker or (subscriber.broker if subscriber else None)
    parse = broker.transport.parser(subscriber)

    async def original(item: Any) -> Any:
        message = parse(item)
        if subscriber is None:
            message.source_type = SourceType.RESPONSE
        return message

    parser = around(merged.parser, original) if merged.parser else original
    plain = decode_batch if subscriber is not None and subscriber.batch else default_decode
    decode = around(merged.decoder, plain) if merged.decoder else plain
    if merged.codec is not None and subscriber is not None:
        decode = merged.codec.decode
    middlewares = new_middlewares(factories, raw, broker.context)
    if not middlewares:
        message: StreamMessage[Any] = await parser(raw)
        message.set_decoder(decode)
        return message
    error: BaseException | None = None
    found: Any = None
    entered = []
    token = current_frame.set(current_frame.get())
    try:
        for middleware in middlewares:
            await middleware.__aenter__()
            entered.append(middleware)
        found = await parser(raw)
        found.set_decoder(decode)
        if subscriber is not None:
            current_frame.set((broker.context, found, subscriber, current_frame.get()))
        found = await consume_chain(middlewares, _as_it_is)(found)
    except BaseException as raised:
        error = raised
    finally:
        current_frame.reset(token)
    error = await leave(entered, error)
    if error is not None:
        try:
            raise error
        finally:
            del error  # its traceback knows this frame
    return found  # type: ignore[no-any-return]


async def _as_it_is(message: Any) -> Any:
    return message
