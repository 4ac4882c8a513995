"""Middlewares: which hook runs when, and in which order."""

import asyncio
from functools import partial
from typing import Any

import pytest
from pydantic import BaseModel

from anystream.core import BaseMiddleware, Context, PublishCommand, PublishType, SourceType
from anystream.core.exceptions import FastStreamException, SubscriberNotFound
from anystream.memory import Letter, MemoryBroker, MemoryRouter, TestMemoryBroker

Steps = list[str]


class Noting(BaseMiddleware):
    """Writes down every hook."""

    def __init__(self, msg: Any = None, /, *, context: Any, name: str, steps: Steps) -> None:
        super().__init__(msg, context=context)
        self.name = name
        self.steps = steps

    async def on_receive(self) -> None:
        self.steps.append(f"{self.name} receive")

    async def after_processed(self, exc_type: Any = None, exc: Any = None, tb: Any = None) -> Any:
        kind = f" {exc_type.__name__}" if exc_type else ""
        self.steps.append(f"{self.name} after{kind}")
        return await super().after_processed(exc_type, exc, tb)

    async def consume_scope(self, call_next: Any, msg: Any) -> Any:
        self.steps.append(f"{self.name} consume")
        try:
            return await call_next(msg)
        finally:
            self.steps.append(f"{self.name} consumed")

    async def publish_scope(self, call_next: Any, cmd: PublishCommand) -> Any:
        incoming = "" if self.msg is None else " incoming"
        self.steps.append(f"{self.name} publish{incoming}")
        try:
            return await call_next(cmd)
        finally:
            self.steps.append(f"{self.name} published")


def noting(name: str, steps: Steps) -> Any:
    """A factory that is no class."""
    return partial(Noting, name=name, steps=steps)


async def test_order_of_all_hooks() -> None:
    """Broker A and B, include I, router R: in, around the handler, around the answer, out."""
    steps: Steps = []
    broker = MemoryBroker(logger=None, middlewares=[noting("A", steps), noting("B", steps)])
    router = MemoryRouter(middlewares=[noting("R", steps)])
    broker.include_router(router, middlewares=[noting("I", steps)])

    @router.subscriber("in")
    @router.publisher("out")
    async def handler() -> None:
        steps.append("handler")

    async with TestMemoryBroker(broker):
        await broker.subscribers[0].process_message(_letter("in"))
    names = ["A", "B", "I", "R"]
    assert steps == [
        *(f"{name} receive" for name in names),
        *(f"{name} consume" for name in names),
        "handler",
        *(f"{name} consumed" for name in reversed(names)),
        *(f"{name} publish incoming" for name in names),
        *(f"{name} published" for name in reversed(names)),
        *(f"{name} after" for name in reversed(names)),
    ]


def _letter(subject: str, data: bytes = b"") -> Any:
    return Letter(subject, data, {})


async def test_add_and_insert_while_running() -> None:
    """`add_middleware` is innermost, `insert_middleware` outermost, also after the start."""
    steps: Steps = []
    broker = MemoryBroker(logger=None, middlewares=[noting("M", steps)])

    @broker.subscriber("in")
    async def handler() -> None: ...

    async with TestMemoryBroker(broker):
        broker.add_middleware(noting("inner", steps))
        broker.insert_middleware(noting("outer", steps))
        await broker.subscribers[0].process_message(_letter("in"))
    assert [step for step in steps if "receive" in step] == [
        "outer receive", "M receive", "inner receive",
    ]  # fmt: skip


async def test_publishing_outside_a_handler() -> None:
    """The broker's own publish sees the broker's middlewares; a router's publisher its chain."""
    steps: Steps = []
    broker = MemoryBroker(logger=None, middlewares=[noting("A", steps)])
    router = MemoryRouter(middlewares=[noting("R", steps)])
    broker.include_router(router)
    publisher = router.publisher("out")

    async with TestMemoryBroker(broker):
        await broker.publish(1, "out")
        assert steps == ["A publish", "A published"]
        steps.clear()
        await publisher.publish(1)
        assert steps == ["A publish", "R publish", "R published", "A published"]


async def test_a_command_can_be_changed_or_dropped() -> None:
    """`publish_scope` may change everything, or not send at all."""

    class Change(BaseMiddleware):
        async def publish_scope(self, call_next: Any, cmd: Any) -> Any:
            assert cmd.publish_type is PublishType.PUBLISH
            if cmd.body == "drop":
                return None
            cmd.body = cmd.body.upper()
            cmd.destination = "elsewhere"
            cmd.add_headers({"tag": "added", "mine": "changed"})
            cmd.add_headers({"mine": "kept"}, override=False)
            return await call_next(cmd)

    broker = MemoryBroker(logger=None, middlewares=[Change])
    got: list[Any] = []

    @broker.subscriber("elsewhere")
    async def handler(body: str, message: Any = Context()) -> None:
        got.append((body, message.headers["tag"], message.headers["mine"]))

    async with TestMemoryBroker(broker):
        await broker.publish("text", "in", headers={"mine": "m"})
        await broker.publish("drop", "in")
    assert got == [("TEXT", "added", "changed")]


async def test_after_processed_swallows() -> None:
    """True hides the exception from outer middlewares and from the caller."""
    steps: Steps = []

    class Swallow(BaseMiddleware):
        async def after_processed(self, *_: Any) -> bool:
            return True

    broker = MemoryBroker(logger=None, middlewares=[noting("A", steps), Swallow])

    @broker.subscriber("in")
    async def handler() -> None:
        raise ValueError("boom")

    async with TestMemoryBroker(broker):
        await broker.subscribers[0].process_message(_letter("in"))
    assert steps[-1] == "A after"


async def test_consume_scope_can_answer_itself() -> None:
    """A middleware may change the result, or not call the handler at all."""

    class Cache(BaseMiddleware):
        async def consume_scope(self, call_next: Any, msg: Any) -> Any:
            assert msg.source_type is SourceType.CONSUME or msg.body
            body = await msg.decode()
            return "cached" if body == "known" else await call_next(msg)

    broker = MemoryBroker(logger=None)
    router = MemoryRouter(middlewares=[Cache])
    broker.include_router(router)

    @router.subscriber("in")
    async def handler(body: str) -> str:
        return "fresh"

    async with TestMemoryBroker(broker):
        assert await (await broker.request("known", "in")).decode() == "cached"
        assert await (await broker.request("new", "in")).decode() == "fresh"


async def test_a_message_without_a_handler() -> None:
    """Middlewares see it come and go, with the exception."""
    steps: Steps = []
    broker = MemoryBroker(logger=None, middlewares=[noting("A", steps)])
    subscriber = broker.subscriber("in")

    @subscriber(filter=lambda message: False)
    async def handler() -> None: ...

    async with TestMemoryBroker(broker):
        with pytest.raises(SubscriberNotFound, match="There is no suitable handler"):
            await subscriber.process_message(_letter("in"))
    assert steps == ["A receive", "A after SubscriberNotFound"]


async def test_requests_pass_twice() -> None:
    """Publish hooks around the question, new consume hooks around the answer."""
    steps: Steps = []
    sources: list[Any] = []

    class Source(BaseMiddleware):
        async def consume_scope(self, call_next: Any, msg: Any) -> Any:
            sources.append((msg.source_type, await msg.decode()))
            return await call_next(msg)

    answering = MemoryBroker(logger=None)
    asking = MemoryBroker(logger=None, middlewares=[noting("A", steps), Source])

    @answering.subscriber("in")
    async def handler(body: int) -> int:
        return body + 1

    async with TestMemoryBroker(answering, asking):
        answer = await asking.request(1, "in")
        assert await answer.decode() == 2
    assert steps == [
        "A publish", "A published", "A receive", "A consume", "A consumed", "A after",
    ]  # fmt: skip
    assert sources == [(SourceType.RESPONSE, 2)]
    assert answer.source_type is SourceType.RESPONSE


async def test_local_context_of_a_middleware_reaches_the_handler() -> None:
    """What is scoped in `consume_scope` is there in the handler, and gone afterwards."""

    class Scope(BaseMiddleware):
        async def consume_scope(self, call_next: Any, msg: Any) -> Any:
            with self.context.scope("user", "john"):
                return await call_next(msg)

    broker = MemoryBroker(logger=None, middlewares=[Scope])
    got: list[Any] = []

    @broker.subscriber("in")
    async def handler(user: str = Context()) -> None:
        got.append(user)

    async with TestMemoryBroker(broker):
        await broker.publish(None, "in")
    assert got == ["john"]
    assert broker.context.get("user") is None


async def test_local_context_set_on_receive() -> None:
    """`on_receive` may set values for everything that follows."""
    got: list[Any] = []

    class Setting(BaseMiddleware):
        async def on_receive(self) -> None:
            self.context.set_local("trace", "t1")

    broker = MemoryBroker(logger=None, middlewares=[Setting])

    @broker.subscriber("in")
    async def handler(trace: str = Context()) -> None:
        got.append(trace)

    async with TestMemoryBroker(broker):
        await broker.publish(None, "in")
    assert got == ["t1"]
    assert broker.context.get("trace") is None


async def test_a_middleware_that_is_none() -> None:
    """Something that is no factory is an error that says so."""
    broker = MemoryBroker(logger=None, middlewares=[lambda: None])

    async with TestMemoryBroker(broker):
        with pytest.raises(FastStreamException, match=r"middleware.*factory"):
            await broker.publish(None, "in")


async def test_a_middleware_without_the_base_class() -> None:
    """Any object with the hooks will do."""
    steps: Steps = []

    class Own:
        def __init__(self, msg: Any, /, *, context: Any) -> None:
            self.msg = msg

        async def on_receive(self) -> None:
            steps.append("receive")

        async def after_processed(self, *_: Any) -> None:
            steps.append("after")

        async def __aenter__(self) -> Any:
            await self.on_receive()

        async def __aexit__(self, *error: Any) -> None:
            await self.after_processed(*error)

        async def consume_scope(self, call_next: Any, msg: Any) -> Any:
            steps.append("consume")
            return await call_next(msg)

        async def publish_scope(self, call_next: Any, cmd: Any) -> Any:
            return await call_next(cmd)

    broker = MemoryBroker(logger=None, middlewares=[Own])

    @broker.subscriber("in")
    async def handler() -> None: ...

    async with TestMemoryBroker(broker):
        await broker.publish(None, "in")
    assert steps == ["receive", "consume", "after"]


class Tea(BaseModel):
    name: str


async def tea_through(middleware: Any) -> Tea:
    """What a handler gets of a JSON body behind a middleware."""
    broker = MemoryBroker(logger=None, middlewares=[middleware])
    got: asyncio.Future[Tea] = asyncio.get_running_loop().create_future()

    @broker.subscriber("in")
    async def handler(tea: Tea) -> None:
        got.set_result(tea)

    async with broker:
        await broker.start()
        await broker.publish(Tea(name="from the wire"), "in")
        return await asyncio.wait_for(got, 5)


async def test_a_decoder_that_a_middleware_sets() -> None:
    """It makes the body that the handler gets, also where JSON would be read in one step."""

    async def decode(message: Any) -> dict[str, str]:
        return {"name": "from the middleware"}

    class Decoding(BaseMiddleware):
        async def consume_scope(self, call_next: Any, msg: Any) -> Any:
            msg.set_decoder(decode)
            return await call_next(msg)

    assert (await tea_through(Decoding)).name == "from the middleware"


async def test_a_message_of_its_own_that_a_middleware_hands_on() -> None:
    """Its `decode` makes the body that the handler gets, whatever else it takes from ours."""

    class Instead:
        body = b""

        def __init__(self, message: Any) -> None:
            self.message = message

        def __getattr__(self, name: str) -> Any:
            return getattr(self.message, name)

        async def decode(self) -> dict[str, str]:
            return {"name": "from the middleware"}

    class Replacing(BaseMiddleware):
        async def consume_scope(self, call_next: Any, msg: Any) -> Any:
            return await call_next(Instead(msg))

    assert (await tea_through(Replacing)).name == "from the middleware"
