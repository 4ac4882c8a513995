"""How a decoded body reaches the arguments of a handler."""

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ValidationError

from anystream.core import Context, Depends, Header
from anystream.memory import MemoryBroker, TestMemoryBroker


async def handled(handler: Any, body: Any, *, content: str | None = None, **options: Any) -> Any:
    """Publishes one body and returns what the handler was called with."""
    broker = MemoryBroker(logger=None, **options)
    broker.subscriber("in")(handler)
    async with TestMemoryBroker(broker):
        headers = {} if content is None else {"content-type": content}
        answer = await broker.request(body, "in", headers=headers)
        return await answer.decode()


async def none() -> Any:
    return ["called"]


async def one(body: Any) -> Any:
    return ["one", body]


async def one_with_default(body: Any = "default") -> Any:
    return ["one", body]


async def one_and_markers(
    body: Any, repo: Annotated[Any, Context("context")], user: Annotated[Any, Header(default=None)]
) -> Any:
    return ["one", body]


async def two(a: Any, b: Any) -> Any:
    return ["two", a, b]


async def two_with_default(a: Any, b: Any = "default") -> Any:
    return ["two", a, b]


async def many(*bodies: Any) -> Any:
    return ["many", *bodies]


async def needs_b(b: Any) -> Any:
    return b


async def with_dependency(a: Any, got: Annotated[Any, Depends(needs_b)]) -> Any:
    return ["dependency", a, got]


async def same_name(b: Any, got: Annotated[Any, Depends(needs_b)]) -> Any:
    return ["same", b, got]


@pytest.mark.parametrize(
    ("handler", "body", "expected"),
    [
        (none, {"a": 1}, ["called"]),
        (none, None, ["called"]),
        (one, {"a": 1}, ["one", {"a": 1}]),
        (one, [1, 2], ["one", [1, 2]]),
        (one, "text", ["one", "text"]),
        (one, 5, ["one", 5]),
        (one_with_default, {"body": 1}, ["one", {"body": 1}]),
        (one_with_default, 5, ["one", 5]),
        (one_and_markers, {"body": 1}, ["one", {"body": 1}]),
        (two, {"a": 1, "b": 2, "c": 3}, ["two", 1, 2]),
        (two, [1, 2], ["two", 1, 2]),
        (two, "xy", ["two", "x", "y"]),
        (two, b"\xfe\xff", ["two", 0xFE, 0xFF]),
        (two_with_default, {"a": 1}, ["two", 1, "default"]),
        (two_with_default, [1], ["two", 1, "default"]),
        (many, [1, 2, 3], ["many", 1, 2, 3]),
        (many, "xyz", ["many", "x", "y", "z"]),
        (many, [], ["many"]),
        (with_dependency, {"a": 1, "b": 2}, ["dependency", 1, 2]),
        (with_dependency, [1, 2], ["dependency", 1, 2]),
        (same_name, {"x": 1}, ["same", {"x": 1}, {"x": 1}]),
    ],
)
async def test_bodies_reach_arguments(handler: Any, body: Any, expected: Any) -> None:
    """One parameter takes the whole body; several take it apart by name or by position."""
    assert await handled(handler, body) == expected


@pytest.mark.parametrize("body", [5, None, True, 1.5])
async def test_what_cannot_be_unpacked(body: Any) -> None:
    """Several parameters need a mapping or a sequence."""
    if body is None:  # arrives as empty bytes: a sequence, if a short one
        with pytest.raises(ValidationError, match="Field required"):
            await handled(two, body)
        return
    with pytest.raises(ValueError, match=rf"Couldn't unpack `{body}` to multiple values"):
        await handled(two, body)


async def test_a_missing_argument() -> None:
    """It is a validation error that names the argument."""
    with pytest.raises(ValidationError, match=r"b\n.*Field required"):
        await handled(two, {"a": 1})


async def test_without_a_serializer_a_missing_argument_is_a_type_error() -> None:
    """`serializer=None` means the plain call's own error."""
    with pytest.raises(TypeError, match="b"):
        await handled(two, {"a": 1}, serializer=None)


async def test_without_types_the_body_is_still_unpacked() -> None:
    """`apply_types=False`: no casts and no markers, but several arguments are filled."""

    async def handler(a: int, b: int) -> Any:
        return [a, b]

    assert await handled(handler, {"a": "1", "b": "2"}, apply_types=False) == ["1", "2"]
    assert await handled(handler, ["1", "2"], apply_types=False) == ["1", "2"]


async def test_without_types_markers_arrive_as_they_are() -> None:
    """`apply_types=False`: a Context default stays the marker object."""

    async def handler(body: Any, found: Any = Context("context")) -> Any:
        return type(found).__name__

    assert await handled(handler, {"body": 1}, apply_types=False) == "ContextField"


async def test_models_and_scalars_are_validated() -> None:
    """Annotations decide: text becomes a number, a mapping becomes a model."""

    class Order(BaseModel):
        user: str

    async def handler(order: Order, amount: int) -> Any:
        return [order.user, amount]

    assert await handled(handler, {"order": {"user": "john"}, "amount": "12"}) == ["john", 12]


async def test_text_with_a_number_in_it() -> None:
    """A published str stays a str, until the annotation says otherwise."""

    async def number(body: int) -> Any:
        return [body]

    assert await handled(one, "1") == ["one", "1"]
    assert await handled(number, "1") == [1]
    assert await handled(one, b"1") == ["one", 1]


async def test_the_result_is_cast() -> None:
    """The return annotation is applied before anything is published."""

    async def handler(body: Any) -> int:
        return body  # type: ignore[no-any-return]

    assert await handled(handler, "12") == 12
    with pytest.raises(ValidationError):
        await handled(handler, "twelve")


async def test_sync_handlers_run() -> None:
    """A plain function is a handler like any other."""

    def handler(body: int) -> int:
        return body + 1

    assert await handled(handler, 1) == 2


async def test_methods_and_callable_objects_are_handlers() -> None:
    """Bound methods and objects with `__call__` work."""

    class Service:
        async def method(self, body: int) -> int:
            return body + 1

        async def __call__(self, body: int) -> int:
            return body + 2

    assert await handled(Service().method, 1) == 2
    assert await handled(Service(), 1) == 3


async def test_unusual_signatures() -> None:
    """Positional-only parameters, names that FastDepends uses itself, partial functions."""
    from functools import partial

    async def positional(a: int, /, b: int, *, c: int = 3) -> Any:
        return [a, b, c]

    async def names(stack: int, nested: int, kwargs: int) -> Any:
        return [stack, nested, kwargs]

    async def three(a: int, b: int, c: int) -> Any:
        return [a, b, c]

    assert await handled(positional, {"a": "1", "b": 2}) == [1, 2, 3]
    assert await handled(positional, [1, "2"]) == [1, 2, 3]
    assert await handled(names, {"stack": "1", "nested": 2, "kwargs": 3}) == [1, 2, 3]
    assert await handled(partial(three, c=5), {"a": 1, "b": 2}) == [1, 2, 5]
