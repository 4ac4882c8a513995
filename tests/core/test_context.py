"""The context repository, and Context, Header and Path arguments."""

import asyncio
from typing import Annotated, Any

import pytest
from pydantic import ValidationError

from anystream.core import Context, FastStream, Header, Logger, Path
from anystream.core.context import ContextRepo
from anystream.core.exceptions import ContextError
from anystream.core.sentinel import EMPTY
from anystream.memory import MemoryBroker, TestMemoryBroker


def test_globals() -> None:
    """Globals are set, read in several ways, and forgotten."""
    repo = ContextRepo({"a": 1})
    repo.set_global("b", {"c": 2})
    assert (repo.get("a"), repo.a, repo.resolve("b.c"), repo.get("x", 5)) == (1, 1, 2, 5)
    assert repo.unknown is None
    assert repo.context["a"] == 1
    repo.reset_global("a")
    repo.reset_global("a")
    assert "a" not in repo
    repo.clear()
    assert repo.context == {"context": repo}


def test_locals() -> None:
    """Locals are taken back in any order; a global of the same name wins."""
    repo = ContextRepo()
    first = repo.set_local("k", 1)
    second = repo.set_local("other", 2)
    assert (repo.get_local("k"), repo.k, repo.other) == (1, 1, 2)
    repo.reset_local("k", first)
    assert (repo.get_local("k", "gone"), repo.other) == ("gone", 2)
    repo.reset_local("other", second)
    with repo.scope("k", 3):
        assert repo.get("k") == 3
        repo.set_global("k", "global")
        assert (repo.get("k"), repo.get_local("k")) == ("global", 3)
        repo.reset_global("k")
        with repo.scope("k", 4):
            assert repo.get("k") == 4
        assert repo.get("k") == 3
    assert repo.get("k") is None
    with repo.scopes([("a", 1), ("b", 2)]):
        assert (repo.a, repo.b, repo.context["b"]) == (1, 2, 2)
    assert repo.a is None


async def test_locals_belong_to_a_task() -> None:
    """What a task sets locally is not seen by others."""
    repo = ContextRepo()

    async def task(value: int) -> Any:
        with repo.scope("k", value):
            await asyncio.sleep(0)
            return repo.get("k")

    assert await asyncio.gather(*(task(n) for n in range(5))) == [0, 1, 2, 3, 4]
    assert repo.get("k") is None


def test_two_repositories_do_not_mix() -> None:
    """A local value belongs to its repository."""
    one, two = ContextRepo(), ContextRepo()
    with one.scope("k", 1):
        assert two.get("k") is None


def test_resolving_what_is_not_there() -> None:
    """The error says what was asked for and what there is."""
    repo = ContextRepo({"known": object()})
    with pytest.raises(ContextError, match=r"absent.*known"):
        repo.resolve("absent.name")
    with pytest.raises(KeyError):
        repo.resolve("absent")
    with pytest.raises(AttributeError):
        repo.resolve("known.absent")


def test_empty_is_not_none() -> None:
    """The sentinel is falsy, equal to itself, and has a readable form."""
    assert not EMPTY
    assert type(EMPTY)() == EMPTY
    assert EMPTY is not None
    assert repr(EMPTY) == "EMPTY"


async def ask(broker: MemoryBroker, body: Any = None, subject: str = "in", **options: Any) -> Any:
    """One request in test mode."""
    async with TestMemoryBroker(broker):
        return await (await broker.request(body, subject, **options)).decode()


async def test_names_that_are_there_while_a_message_is_handled() -> None:
    """app, context, broker, logger, handler_, message and log_context."""
    broker = MemoryBroker()
    app = FastStream(broker, logger=None)
    got: dict[str, Any] = {}
    subscriber = broker.subscriber("in")

    @subscriber
    async def handler(
        app: Annotated[Any, Context()],
        context: Annotated[Any, Context()],
        broker: Annotated[Any, Context()],
        logger: Logger,
        handler_: Annotated[Any, Context()],
        message: Annotated[Any, Context()],
        log_context: Annotated[Any, Context()],
        body: Annotated[Any, Context("message.body")],
    ) -> None:
        got.update(locals())
        assert set(got) - {"body", "got"} <= set(context.context)

    async with TestMemoryBroker(broker):
        await broker.publish("text", "in")
    assert got["app"] is app
    assert got["context"] is broker.context
    assert got["broker"] is broker
    assert got["handler_"] is subscriber
    assert got["message"].body == got["body"] == b"text"
    assert isinstance(got["log_context"], dict)
    assert "message" not in broker.context


async def test_a_silent_broker_has_no_logger() -> None:
    """`logger=None`: the Logger argument is None (in tests, a mock)."""
    broker = MemoryBroker(logger=None)

    @broker.subscriber("in")
    async def handler(logger: Annotated[Any, Context()]) -> Any:
        return logger is None

    async with broker:
        await broker.start()
        assert await (await broker.request("", "in")).decode() is True


async def test_values_of_the_broker_win_over_those_of_the_application() -> None:
    """Both are visible; the broker's repository comes first."""
    broker = MemoryBroker(logger=None, context=ContextRepo({"k": "broker"}))
    FastStream(broker, logger=None, context=ContextRepo({"k": "app", "only": "app"}))

    @broker.subscriber("in")
    async def handler(k: Annotated[str, Context()], only: Annotated[str, Context()]) -> Any:
        return [k, only]

    assert await ask(broker) == ["broker", "app"]


async def test_defaults_and_initial_values() -> None:
    """A default is used; `initial` is called once and kept globally."""
    broker = MemoryBroker(logger=None)

    @broker.subscriber("in")
    async def handler(
        absent: Annotated[Any, Context(default="d")],
        no: Annotated[Any, Context(default=None)],
        calls: Annotated[list[int], Context(initial=list)],
    ) -> Any:
        calls.append(1)
        return [absent, no, len(calls)]

    assert await ask(broker) == ["d", None, 1]
    assert await ask(broker) == ["d", None, 2]
    assert broker.context.get("calls") == [1, 1]


async def test_a_missing_value_is_a_validation_error() -> None:
    """It names the argument."""
    broker = MemoryBroker(logger=None)

    @broker.subscriber("in")
    async def handler(absent: Annotated[Any, Context("nowhere.to.be.found")]) -> None: ...

    with pytest.raises(ValidationError, match=r"absent\n.*Field required"):
        await ask(broker)


@pytest.mark.parametrize("style", ["annotated", "default"])
async def test_a_missing_value_without_a_serializer(style: str) -> None:
    """Without validation it is the call's TypeError; a marker never reaches the handler."""
    broker = MemoryBroker(logger=None, serializer=None)

    async def annotated(absent: Annotated[Any, Context()]) -> None: ...

    async def default(absent: Any = Context()) -> None: ...

    broker.subscriber("in")(annotated if style == "annotated" else default)
    with pytest.raises(TypeError, match="absent"):
        await ask(broker)


async def test_casts_of_context_and_headers() -> None:
    """Headers and path values are cast, context values only when asked."""
    broker = MemoryBroker(logger=None, context=ContextRepo({"digits": "12"}))

    @broker.subscriber("in.{room}.{note}")
    async def handler(
        room: Annotated[int, Path()],
        text: Annotated[str, Path("note")],
        tries: Annotated[int, Header("x-tries")],
        digits: Annotated[int, Context()],
        number: Annotated[int, Context("digits", cast=True)],
        missing: Annotated[int, Header(default=7)],
        nowhere: Annotated[str, Path(default="?")],
        raw: int = Header("x-tries", cast=False),
    ) -> Any:
        return [room, text, tries, digits, number, missing, nowhere, raw]

    answer = await ask(broker, None, "in.5.hello", headers={"x-tries": "3"})
    assert answer == [5, "hello", 3, "12", 12, 7, "?", "3"]


async def test_header_names_with_dots() -> None:
    """The name of a header is one key."""
    broker = MemoryBroker(logger=None)

    @broker.subscriber("in")
    async def handler(value: Annotated[str, Header("x.y")]) -> str:
        return value

    assert await ask(broker, headers={"x.y": "dotted"}) == "dotted"


async def test_what_a_handler_sets_locally() -> None:
    """Local values of one message are gone with it."""
    broker = MemoryBroker(logger=None)

    @broker.subscriber("in")
    async def handler(context: Annotated[ContextRepo, Context()]) -> Any:
        before = context.get("k")
        context.set_local("k", 1)
        return [before, context.get("k")]

    async with TestMemoryBroker(broker):
        for _ in range(2):
            assert await (await broker.request(None, "in")).decode() == [None, 1]
