"""What is known about a subscriber when it is frozen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from anystream.core.ack import AckPolicy
from anystream.core.argument_checks import aliases_of, check_arguments
from anystream.core.binding import Binding
from anystream.core.codec import BatchCodec, decode_body
from anystream.core.exceptions import SetupError
from anystream.core.handler import HandlerItem, around
from anystream.core.logging import level_check, writer
from anystream.core.message import StreamMessage
from anystream.core.respond import Respond, make_respond
from anystream.core.sentinel import EMPTY

if TYPE_CHECKING:
    from anystream.core.settlement import Settlement
    from anystream.core.subscriber import Subscriber

Call = Callable[[Any, Any], Awaitable[Any]]


async def default_decode(message: StreamMessage[Any]) -> Any:
    """The default decoder: by content type; a batch item by item."""
    body = message.body
    if isinstance(body, list):
        return _decode_items(body, message)
    return decode_body(body, message.content_type)


async def decode_batch(message: StreamMessage[Any]) -> Any:
    """The default decoder of batch subscribers: it writes no `body` that nobody asks for."""
    if message._parts is not None:
        return _decode_items(message._parts, message)
    return await default_decode(message)


def _decode_items(bodies: Sequence[Any], message: StreamMessage[Any]) -> list[Any]:
    headers = message.batch_headers or [{}] * len(bodies)
    return [
        decode_body(item, head.get("content-type"))
        for item, head in zip(bodies, headers, strict=True)
    ]


class HandlerPlan:
    """One handler, frozen.

    Its binding has `run(body, message)`, `lines` for `explain()` and, if there may be something
    to do once the result is published, `afterwards(message)`.

    Args:
        item: the declaration.
        plan: the subscriber's plan.
    """

    def __init__(self, item: HandlerItem, plan: Plan) -> None:
        self.name = item.name
        self.filter = item.filter
        self.wrapper = item.call
        self.publishers = list(item.call.publishers)
        broker = plan.subscriber.broker
        # a framework may bind arguments in its own way: FastAPI's router does
        self.binding: Any = (broker.binder or _bind)(item, plan)
        self.afterwards = getattr(self.binding, "afterwards", None)
        self.parser = item.parser or plan.merged.parser
        decoder = item.decoder or plan.merged.decoder
        codec = plan.merged.codec
        if codec is not None and decoder is not None:
            raise SetupError(f"{plan.subscriber!r} has a codec and a decoder: give one of them")
        self.custom_decoder = decoder is not None or codec is not None or plan.batch
        if codec is not None:
            self.decode = _codec_decode(codec, plan)
        else:
            original = decode_batch if plan.batch else default_decode
            self.decode = around(decoder, original) if decoder else original
        self.run: Call = _recorded(self) if broker.recording else self.binding.run
        # for bodies that are JSON and that nobody else looks at
        shorter = None if broker.recording or self.custom_decoder else self.binding
        self.run_json: Call | None = getattr(shorter, "run_json", None)
        self._respond: Respond | None = None

    def respond(self, plan: Plan) -> Respond:
        """What answers and publishes; made for the first result that is to go anywhere."""
        if self._respond is None:
            self._respond = make_respond(plan, self)
        return self._respond


class Plan:
    """Everything that decides how the messages of a subscriber are handled.

    Args:
        subscriber: a complete declaration, connected to a broker.
    """

    def __init__(self, subscriber: Subscriber) -> None:
        broker = subscriber.broker
        self.subscriber = subscriber
        self.context = broker.context
        self.merged = subscriber.merged
        self.batch = subscriber.batch
        self.policy = resolve_policy(subscriber)
        self.declared_policy = declared_policy(subscriber)
        self.logger = broker.logger
        self.log_level = broker.log_level
        self.log_on = level_check(self.logger)
        self.may_reply = not subscriber.no_reply
        self.parse = subscriber.parser()
        self.handlers = [HandlerPlan(item, self) for item in subscriber.calls]
        self._write = writer(self.logger, self.log_level) if self.logger is not None else None

    @property
    def is_plain(self) -> bool:
        """Whether the flat form will do."""
        return (
            not self.merged.middlewares
            and len(self.handlers) == 1
            and self.handlers[0].filter is None
            and self.handlers[0].parser is None
        )

    def log(self, text: str, message: StreamMessage[Any]) -> None:
        """Writes a line about a message at the broker's level."""
        if self._write is not None:
            self._write(text, self.subscriber.log_context(message))

    def describe(self, settlement: Settlement) -> list[str]:
        """The steps in words."""
        subscriber = self.subscriber
        lines = [f"{subscriber.describe()}"]
        names = [getattr(m, "__name__", type(m).__name__) for m in self.merged.middlewares]
        steps = [f"middleware {name}" for name in names]
        if settlement.ack_first:
            steps.append("ack")
        for handler in self.handlers:
            indent = ""
            if len(self.handlers) > 1 or handler.filter:
                what = getattr(handler.filter, "__name__", "a filter")
                steps.append(f"if {what if handler.filter else 'nothing else'} takes it:")
                indent = "  "
            if handler.parser:
                steps.append(f"{indent}parse with {getattr(handler.parser, '__name__', 'parser')}")
            steps.append(
                f"{indent}decode{' with a custom decoder' if handler.custom_decoder else ''}"
            )
            steps.extend(indent + line for line in handler.binding.lines)
            if self.may_reply:
                steps.append(f"{indent}reply if the sender waits")
            steps.extend(f"{indent}publish to {p.destination}" for p in handler.publishers)
        steps.extend(settlement.describe())
        return lines + [f"  {step}" for step in steps]


def _bind(item: HandlerItem, plan: Plan) -> Binding:
    broker = plan.subscriber.broker
    binding = Binding(
        item.call._original_call,
        context=plan.context,
        provider=broker.provider,
        serializer=broker.serializer,
        dependencies=(*plan.merged.dependencies, *item.dependencies),
        inject=broker.apply_types,
    )
    if broker.apply_types:
        known = {**aliases_of(type(broker)), **plan.merged.driver_annotations}
        check_arguments(binding.call, binding.params, known)
    return binding


def resolve_policy(subscriber: Subscriber) -> AckPolicy:
    """The declared policy; `MANUAL` where the source knows no acknowledgement."""
    return declared_policy(subscriber) if subscriber.settles else AckPolicy.MANUAL


def declared_policy(subscriber: Subscriber) -> AckPolicy:
    """The subscriber's own policy, else the nearest layer's, else the broker type's."""
    for policy in (subscriber.ack_policy, subscriber.merged.ack_policy):
        if policy is not EMPTY:
            return AckPolicy(policy)
    return subscriber.broker.default_ack_policy


def _codec_decode(codec: Any, plan: Plan) -> Callable[[Any], Awaitable[Any]]:
    if not plan.batch:

        async def decode(message: Any) -> Any:
            return await codec.decode(message)

        return decode
    if not isinstance(codec, BatchCodec):
        raise SetupError(
            f"{plan.subscriber!r} reads batches, but its codec {type(codec).__name__} has no "
            "`decode_batch` and `encode_batch`"
        )

    async def decode_batch(message: Any) -> Any:
        return await codec.decode_batch(message)

    return decode_batch


def _recorded(handler: HandlerPlan) -> Call:
    """In test mode every call is noted with its decoded body."""
    run, wrapper = handler.binding.run, handler.wrapper

    async def recorded(body: Any, message: Any) -> Any:
        recorder = wrapper.recorder
        if recorder is None:
            return await run(body, message)
        recorder.record(body, message)
        try:
            result = await run(body, message)
        except BaseException as error:
            recorder.finish(error)
            raise
        recorder.finish()
        return result

    return recorded
