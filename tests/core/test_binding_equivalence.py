"""The frozen binding and FastDepends' own solver give the same results and the same errors."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any, Optional

import msgspec
import pytest
from fast_depends import Provider
from fast_depends.msgspec import MsgSpecSerializer
from fast_depends.pydantic import PydanticSerializer
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from anystream.core import Context, Depends, Header, NoCast, Path, StreamMessage
from anystream.core.binding import Binding
from anystream.core.context import ContextRepo


class Order(BaseModel):
    user: str
    amount: int = 1


class OrderStruct(msgspec.Struct):
    user: str
    amount: int = 1


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


SERIALIZERS: dict[str, Callable[[], Any]] = {
    "pydantic": lambda: PydanticSerializer(use_fastdepends_errors=False),
    "pydantic, own errors": PydanticSerializer,
    "msgspec": MsgSpecSerializer,
    "none": lambda: None,
}

CASES: dict[str, Callable[[list[Any]], Callable[..., Any]]] = {}
MODELS = {"pydantic": Order, "pydantic, own errors": Order, "msgspec": OrderStruct, "none": dict}
FROZEN_NEVER = {
    "any number": "takes any number of arguments",
    "pydantic alias": "has a field definition",
}


def case(name: str) -> Callable[[Any], Any]:
    """Registers a function that makes a handler; it gets the journal and the model class."""

    def register(make: Any) -> Any:
        CASES[name] = make
        return make

    return register


@case("no parameter")
def _(journal: Any, model: Any) -> Any:
    async def handler():
        return "called"

    return handler


@case("one untyped")
def _(journal: Any, model: Any) -> Any:
    async def handler(body):
        return body

    return handler


@case("one model")
def _(journal: Any, model: Any) -> Any:
    async def handler(order: model) -> Any:
        return order

    return handler


@case("one dict")
def _(journal: Any, model: Any) -> Any:
    async def handler(body: dict[str, int]):
        return body

    return handler


@case("one int, sync")
def _(journal: Any, model: Any) -> Any:
    def handler(body: int):
        return body

    return handler


@case("one with a default")
def _(journal: Any, model: Any) -> Any:
    async def handler(body: int = 7):
        return body

    return handler


@case("optional and dataclass")
def _(journal: Any, model: Any) -> Any:
    async def handler(body: Optional[Point]):  # noqa: UP045
        return body

    return handler


@case("several")
def _(journal: Any, model: Any) -> Any:
    async def handler(user: str, amount: int):
        return user, amount

    return handler


@case("several with defaults")
def _(journal: Any, model: Any) -> Any:
    async def handler(user, amount: int = 5, note: str | None = None):
        return user, amount, note

    return handler


@case("keyword-only")
def _(journal: Any, model: Any) -> Any:
    async def handler(user: str, *, amount: int = 2):
        return user, amount

    return handler


@case("any number")
def _(journal: Any, model: Any) -> Any:
    async def handler(*bodies):
        return bodies

    return handler


@case("result is cast")
def _(journal: Any, model: Any) -> Any:
    async def handler(body) -> int:
        return body

    return handler


@case("result is none")
def _(journal: Any, model: Any) -> Any:
    async def handler(body) -> None:
        return body

    return handler


@case("async dependency")
def _(journal: Any, model: Any) -> Any:
    async def double(amount: int):
        journal.append("double")
        return amount, amount

    async def handler(user: str, pair=Depends(double)):
        return user, pair

    return handler


@case("plain function with an async dependency")
def _(journal: Any, model: Any) -> Any:
    async def double(amount: int):
        journal.append("double")
        return amount, amount

    def plain(pair=Depends(double)):
        return pair

    def handler(user: str, pair=Depends(plain)):
        return user, pair

    return handler


@case("dependency alone takes the body")
def _(journal: Any, model: Any) -> Any:
    async def whole(body):
        return body

    async def handler(value: int = Depends(whole)):
        return value

    return handler


@case("value of a dependency is cast, or not")
def _(journal: Any, model: Any) -> Any:
    async def text():
        return "12"

    async def handler(a: int = Depends(text), b: int = Depends(text, cast=False)):
        return a, b

    return handler


@case("result of a dependency is cast")
def _(journal: Any, model: Any) -> Any:
    async def number(body) -> int:
        return body

    async def handler(value=Depends(number, cast_result=True)):
        return value

    return handler


@case("sync dependency")
def _(journal: Any, model: Any) -> Any:
    def shout(user: str) -> str:
        return user.upper()

    async def handler(user: str, loud: Annotated[str, Depends(shout)]):
        return user, loud

    return handler


@case("class as dependency")
def _(journal: Any, model: Any) -> Any:
    class Query:
        def __init__(self, amount: int = 3):
            self.amount = amount

    async def handler(user: str, query=Depends(Query)):
        return user, query.amount

    return handler


@case("nested and cached")
def _(journal: Any, model: Any) -> Any:
    async def base():
        journal.append("base")
        return len(journal)

    async def left(value=Depends(base)):
        return value

    async def right(value=Depends(base)):
        return value

    async def handler(body, a=Depends(left), b=Depends(right), c=Depends(base)):
        return body, a, b, c

    return handler


@case("not cached")
def _(journal: Any, model: Any) -> Any:
    async def base():
        journal.append("base")
        return len(journal)

    async def left(value=Depends(base, use_cache=False)):
        return value

    async def handler(body, a=Depends(left), b=Depends(base, use_cache=False)):
        return body, a, b

    return handler


@case("async generator")
def _(journal: Any, model: Any) -> Any:
    async def session() -> AsyncIterator[str]:
        journal.append("open")
        try:
            yield "session"
        finally:
            journal.append("close")

    async def handler(amount: int, opened=Depends(session)):
        journal.append("handler")
        return 10 // amount, opened

    return handler


@case("sync generator")
def _(journal: Any, model: Any) -> Any:
    def session() -> Iterator[str]:
        journal.append("open")
        try:
            yield "session"
        except ZeroDivisionError:
            journal.append("zero")
            raise
        finally:
            journal.append("close")

    async def handler(amount: int, opened=Depends(session)):
        return 10 // amount, opened

    return handler


@case("nested generators")
def _(journal: Any, model: Any) -> Any:
    async def outer() -> AsyncIterator[str]:
        journal.append("+outer")
        yield "o"
        journal.append("-outer")

    async def inner(text=Depends(outer)) -> AsyncIterator[str]:
        journal.append("+inner")
        yield text + "i"
        journal.append("-inner")

    async def handler(body, text=Depends(inner)):
        return body, text

    return handler


@case("generator swallows")
def _(journal: Any, model: Any) -> Any:
    async def guard() -> AsyncIterator[None]:
        try:
            yield
        except ZeroDivisionError as error:
            raise KeyError("translated") from error

    async def handler(amount: int, g=Depends(guard)):
        return 10 // amount

    return handler


@case("handler raises")
def _(journal: Any, model: Any) -> Any:
    async def handler(body):
        raise LookupError(body)

    return handler


@case("dependency raises")
def _(journal: Any, model: Any) -> Any:
    async def refuse(body):
        raise PermissionError(body)

    async def handler(body, x=Depends(refuse)):
        raise AssertionError("never called")

    return handler


@case("context")
def _(journal: Any, model: Any) -> Any:
    async def handler(
        body,
        known=Context("known"),
        deep=Context("known.inner"),
        absent=Context("absent", default=4),
        cast: int = Context("digits", cast=True),
        message=Context(),
        repo=Context("context"),
    ):
        return body, known, deep, absent, cast, message.correlation_id, type(repo)

    return handler


@case("context default is cast")
def _(journal: Any, model: Any) -> Any:
    async def handler(a: int = Context("absent", default="7", cast=True)):
        return a

    return handler


@case("context with an initial value")
def _(journal: Any, model: Any) -> Any:
    async def handler(made: Annotated[list[int], Context("made", initial=list)]):
        made.append(1)
        return len(made) > 0

    return handler


@case("context is missing")
def _(journal: Any, model: Any) -> Any:
    async def handler(body, absent: Annotated[Any, Context("absent")]):
        return body, absent

    return handler


@case("headers and path")
def _(journal: Any, model: Any) -> Any:
    async def handler(
        body,
        user: Annotated[str, Header()],
        tries: Annotated[int, Header("x-tries")],
        room: Annotated[int, Path()],
        none: Annotated[Any, Header("none", default=None)],
    ):
        return body, user, tries, room, none

    return handler


@case("header is missing")
def _(journal: Any, model: Any) -> Any:
    async def handler(absent: Annotated[str, Header()]):
        return absent

    return handler


@case("header has the wrong type")
def _(journal: Any, model: Any) -> Any:
    async def handler(user: Annotated[int, Header()]):
        return user

    return handler


@case("header in a dependency")
def _(journal: Any, model: Any) -> Any:
    async def who(user: Annotated[str, Header()], amount: int):
        return user, amount

    async def handler(note, pair=Depends(who)):
        return note, pair

    return handler


@case("nocast")
def _(journal: Any, model: Any) -> Any:
    async def handler(raw: NoCast[int]):
        return raw

    return handler


@case("nocast of several")
def _(journal: Any, model: Any) -> Any:
    async def handler(user: NoCast[int], amount: int = 3):
        return user, amount

    return handler


@case("pydantic alias")
def _(journal: Any, model: Any) -> Any:
    async def handler(amount: int = Field(gt=2), user: str = Field("x", alias="name")):
        return amount, user

    return handler


@case("pydantic constraint")
def _(journal: Any, model: Any) -> Any:
    async def handler(amount: Annotated[int, Field(gt=2)]):
        return amount

    return handler


ALWAYS_FAILS = {
    "handler raises",
    "dependency raises",
    "context is missing",
    "header is missing",
}
FAILS_WITH = {(name, "header has the wrong type") for name in SERIALIZERS if name != "none"}

NAMES = ["user", "amount", "note", "name", "x", "y", "extra", "absent", "pair"]
SCALARS = st.none() | st.booleans() | st.integers(-3, 9) | st.sampled_from(["", "4", "text"])
BODIES = (
    SCALARS
    | st.just(b"bytes")
    | st.lists(SCALARS, max_size=4)
    | st.dictionaries(st.sampled_from(NAMES), SCALARS, max_size=6)
    | st.fixed_dictionaries({"user": st.just("john"), "amount": st.integers(0, 4)})
)


PYDANTIC_ONLY = {"pydantic alias", "pydantic constraint"}
PAIRS = [
    (name, serializer)
    for name in CASES
    for serializer in SERIALIZERS
    if name not in PYDANTIC_ONLY or MODELS[serializer] is Order
]


class Bench:
    """Runs one handler both ways on the same message."""

    def __init__(self, make: Any, serializer: str, loop: asyncio.AbstractEventLoop) -> None:
        self.journal: list[Any] = []
        self.loop = loop
        self.provider = Provider()
        self.call = make(self.journal, MODELS[serializer])
        self.repo = ContextRepo({"known": {"inner": 1}, "digits": "11"})
        self.binding = Binding(
            self.call,
            context=self.repo,
            provider=self.provider,
            serializer=SERIALIZERS[serializer](),
        )

    def outcome(self, way: Any, body: Any) -> Any:
        """What came of it, and what happened on the way."""
        self.journal.clear()
        self.repo.reset_global("made")
        try:
            result = ("returned", self.loop.run_until_complete(self._run(way, body)))
        except Exception as error:
            result = ("raised", type(error))
        return result, list(self.journal)

    async def _run(self, way: Any, body: Any) -> Any:
        message = StreamMessage(
            None,
            body,
            headers={"user": "john", "x-tries": "3"},
            path={"room": "5"},
            correlation_id="one",
        )
        with self.repo.scope("message", message):
            return await way(body, message)


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """One event loop for all examples."""
    made = asyncio.new_event_loop()
    yield made
    made.run_until_complete(made.shutdown_asyncgens())
    made.close()


@pytest.mark.parametrize(("name", "serializer"), PAIRS)
def test_both_ways_agree(name: str, serializer: str, loop: asyncio.AbstractEventLoop) -> None:
    """Whatever the body: same result or same error type, and the same steps."""
    bench = Bench(CASES[name], serializer, loop)
    frozen = bench.binding.run != bench.binding.solve
    assert frozen == (name not in FROZEN_NEVER), bench.binding.lines

    seen = set()

    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @given(BODIES)
    @example({"user": "john", "amount": 3, "note": 1})
    @example({"name": "john", "amount": "3"})
    @example(["john", 4, 5])
    @example(4)
    @example("text")
    @example({"amount": 3, "x": 1})
    @example({"user": "john", "amount": 3})
    @example({"user": "john"})
    @example({})
    def agree(body: Any) -> None:
        result, steps = bench.outcome(bench.binding.run, body)
        assert (result, steps) == bench.outcome(bench.binding.solve, body)
        seen.add(result[0])

    agree()
    fails = name in ALWAYS_FAILS or (serializer, name) in FAILS_WITH
    assert ("returned" in seen) != fails, seen


@pytest.mark.parametrize("serializer", SERIALIZERS)
@pytest.mark.parametrize("how", ["override", "scope"])
def test_overrides_are_looked_up_at_call_time(
    how: str, serializer: str, loop: asyncio.AbstractEventLoop
) -> None:
    """A dependency overridden after the freeze is replaced, and comes back afterwards."""

    async def real(amount: int) -> str:
        return f"real {amount}"

    async def fake(other: int = 1) -> str:
        return f"fake {other}"

    def make(journal: Any, model: Any) -> Any:
        async def handler(user: str, value=Depends(real)):
            return user, value

        return handler

    bench = Bench(make, serializer, loop)
    body = {"user": "john", "amount": 3, "other": 4}
    plain = (("returned", ("john", "real 3")), [])
    swapped = (("returned", ("john", "fake 4")), [])
    assert bench.outcome(bench.binding.run, body) == plain
    if how == "override":
        bench.provider.override(real, fake)
        assert bench.outcome(bench.binding.run, body) == swapped
        bench.provider.clear()
    else:
        with bench.provider.scope(real, fake):
            assert bench.outcome(bench.binding.run, body) == swapped
    assert bench.outcome(bench.binding.run, body) == plain


def test_a_body_cannot_replace_a_dependency(loop: asyncio.AbstractEventLoop) -> None:
    """A key with the name of a dependency or of the context does not reach the handler."""

    async def trusted() -> str:
        return "trusted"

    def make(journal: Any, model: Any) -> Any:
        async def handler(user: str, amount: int, who=Depends(trusted), known=Context()):
            return user, amount, who, known

        return handler

    bench = Bench(make, "pydantic", loop)
    body = {"user": "u", "amount": 1, "who": "attacker", "known": 0, "context__": 1, "stack": 2}
    expected = (("returned", ("u", 1, "trusted", {"inner": 1})), [])
    assert bench.outcome(bench.binding.run, body) == expected
    assert bench.outcome(bench.binding.solve, body) == expected
