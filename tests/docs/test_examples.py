"""The examples of docs_src/concepts do what the pages say."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from anystream.core import TestApp
from anystream.core.exceptions import StartupValidationError
from anystream.memory import TestMemoryBroker
from anystream.nats import TestNatsBroker
from docs_src.concepts import (
    acknowledgement,
    arguments,
    bodies,
    codecs,
    context_values,
    dependencies,
    dynamic,
    explaining,
    filters,
    first_service,
    first_service_nats,
    lifecycle,
    memory_features,
    middlewares,
    publish_policy,
    publishing,
    routers,
    serializers,
    several_brokers,
    stopping,
)
from docs_src.concepts.asserting import (  # noqa: F401 - collected here
    test_request,
    test_with_a_replaced_dependency,
)
from docs_src.concepts.migrated import test_handle  # noqa: F401 - collected here
from docs_src.concepts.testing import (  # noqa: F401 - collected here
    test_greeting,
    test_refused,
    test_whole_application,
)
from tests.waiting import running

pytestmark = pytest.mark.memory


async def asked(broker: Any, body: Any, subject: str, **options: Any) -> Any:
    return await (await broker.request(body, subject, **options)).decode()


def test_first_service_runs() -> None:
    """The tutorial's first file greets, and ends at Ctrl-C."""
    command = [sys.executable, "-u", "-m", "docs_src.concepts.first_service"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        lines = []
        for line in process.stderr:
            lines.append(line)
            if "Hello, Ada" in line:
                process.send_signal(2)
        assert process.wait(timeout=10) == 0
    assert any("started successfully" in line for line in lines)
    assert any("Hello, Ada" in line for line in lines)
    assert "shut down gracefully" in lines[-1]


async def test_first_service_on_nats() -> None:
    """The same on NATS."""
    async with TestNatsBroker(first_service_nats.broker) as broker:
        await broker.publish({"name": "Ada", "age": 36}, "users")
        first_service_nats.show.mock.assert_called_once_with("Hello, Ada")
        assert first_service.show is not first_service_nats.show


@pytest.mark.parametrize(
    ("subject", "body", "expected"),
    [
        ("none", {"item": "tea"}, []),
        ("one", {"item": "tea"}, [{"item": "tea"}]),
        ("one", [1, 2], [[1, 2]]),
        ("two", {"item": "tea", "price": 2.0, "more": 1}, ["tea", 2.0]),
        ("two", {"item": "tea"}, ["tea", 1.0]),
        ("two", ["tea", 2.0], ["tea", 2.0]),
        ("two", "ab", ["a", "b"]),
        ("any", [1, 2, 3], [1, 2, 3]),
        ("any", "ab", ["a", "b"]),
    ],
)
async def test_bodies(subject: str, body: Any, expected: list[Any]) -> None:
    """The table of how a body reaches the arguments."""
    async with running(bodies.broker) as broker:
        assert await asked(broker, body, subject) == expected


async def test_body_that_cannot_be_unpacked() -> None:
    """A number is not two arguments."""
    async with TestMemoryBroker(bodies.broker) as broker:
        with pytest.raises(ValueError, match="Couldn't unpack `5` to multiple values"):
            await broker.publish(5, "two")


async def test_arguments() -> None:
    """Each kind of argument gets its value."""
    async with TestMemoryBroker(arguments.broker) as broker:
        order = {"item": "tea", "price": 4.5}
        await broker.publish(order, "whole")
        await broker.publish(["tea"], "parts")
        await broker.publish(order, "orders.berlin", headers={"x-trace": "7"})
        await broker.publish(10.0, "taxed")
        await broker.publish({"item": "not", "an": "order"}, "untouched")
        for handler in (
            arguments.one_parameter,
            arguments.several_parameters,
            arguments.everything,
            arguments.with_dependency,
            arguments.without_validation,
        ):
            assert handler.mock.call_count == 1


async def test_dependencies() -> None:
    """Opened before, closed after; the broker's own come first."""
    dependencies.log.clear()
    async with running(dependencies.broker) as broker:
        assert await asked(broker, 5.0, "orders") is True
    assert dependencies.log == ["audit", "open", "handle", "close"]


async def test_context_values() -> None:
    """Values of the application, of a hook, and one that is made when it is missing."""
    async with TestMemoryBroker(context_values.broker), TestApp(context_values.app):
        answers = [await asked(context_values.broker, "tea", "orders") for _ in range(2)]
    assert answers == ["tea: 3 of 3, EUR, 1 seen", "tea: 3 of 3, EUR, 2 seen"]


async def test_serializers() -> None:
    """msgspec validates, None does not, apply_types=False injects nothing."""
    point = {"x": 1, "y": 2}
    async with running(serializers.structs) as broker:
        assert await asked(broker, point, "points") == 3
    async with running(serializers.unchecked) as broker:
        assert await asked(broker, point, "points") == "dict"
    async with running(serializers.bare) as broker:
        assert await asked(broker, point, "points") == ["int", "int"]


async def test_publishing(capsys: pytest.CaptureFixture[str]) -> None:
    """`main` publishes and asks."""
    await publishing.main()
    assert capsys.readouterr().out == "42\n"
    async with TestMemoryBroker(publishing.broker) as broker:
        await broker.publish(10.0, "orders")
        await publishing.results.assert_called_once_with(
            {"total": 12.0}, headers={"x-service": "shop", "x-taxed": "yes"}
        )


async def test_publish_policy() -> None:
    """The example's broker has both limits, and publishes within them."""
    broker = publish_policy.broker
    assert broker.publish_timeout == 10.0
    assert broker.publish_retry is not None
    assert broker.publish_retry.attempts == 5
    async with TestNatsBroker(broker):
        await broker.publish("hello", "orders")


async def test_routers() -> None:
    """Prefixes add up, routes are registered, dependencies guard."""
    async with TestMemoryBroker(routers.broker) as broker:
        await broker.publish({"item": "tea", "version": 1}, "v1.shop.orders.7")
        assert routers.order.mock.call_count == 1
        assert await asked(broker, {"number": 1}, "v1.shop.store") == 2
        with pytest.raises(ValueError, match="unknown version"):
            await broker.publish({"item": "tea", "version": 3}, "v1.shop.orders.7")


async def test_acknowledgement() -> None:
    """Exceptions decide, by hand works, and nothing is left unsettled."""
    async with TestMemoryBroker(acknowledgement.broker) as broker:
        for subject, body in (("jobs", 1), ("once", 1), ("deciding", -1), ("by_hand", 1)):
            await broker.publish(body, subject)
        assert acknowledgement.deciding.mock.call_count == 1
        assert acknowledgement.by_hand.mock.call_count == 1
        assert acknowledgement.job.mock.call_count == 1
        assert acknowledgement.at_most_one_error.mock.call_count == 1


async def test_middlewares() -> None:
    """The header is added, the exception becomes an answer."""
    async with TestMemoryBroker(middlewares.broker) as broker:
        answer = await broker.request(1.0, "orders")
        assert (await answer.decode(), answer.headers["x-sender"]) == ("accepted", "shop")
        assert await asked(broker, -1.0, "orders") == "invalid"


async def test_filters() -> None:
    """The first handler that takes a message gets it; the decoder made a model of a text."""
    async with TestMemoryBroker(filters.broker) as broker:
        await broker.publish("Ada", "users", headers={"kind": "admin"})
        await broker.publish({"name": "Eve"}, "users")
        filters.admin.mock.assert_called_once_with({"name": "Ada"})
        filters.anybody.mock.assert_called_once_with({"name": "Eve"})


async def test_codecs() -> None:
    """What is sent is compressed, what arrives is not."""
    async with TestMemoryBroker(codecs.broker) as broker:
        await broker.publish([1, 2, 3], "numbers", headers={"x-trace": "7"})
        await codecs.total.assert_called_once_with([1, 2, 3], correlation_id="7")


async def test_dynamic() -> None:
    """Subscribers come and go while the broker runs."""
    assert await dynamic.main() == [None, "hello"]


async def test_lifecycle() -> None:
    """Hooks around the brokers, values of the lifespan in handlers."""
    brokers = (lifecycle.orders, lifecycle.audit)
    async with TestMemoryBroker(*brokers), TestApp(lifecycle.app, {"limit": "5"}):
        lifecycle.event.mock.assert_called_once_with("started")
        assert lifecycle.app.context.get("limit") == 5


async def test_stopping() -> None:
    """A subscriber stops itself; `exit()` ends `run()`; options are validated."""
    running_app = asyncio.ensure_future(stopping.app.run(run_extra_options={"port": "9000"}))
    while not stopping.broker.running:
        await asyncio.sleep(0)
    job = next(sub for sub in stopping.broker.subscribers if sub.address == "jobs")
    await stopping.broker.publish("last", "jobs")
    while job.running:
        await asyncio.sleep(0)
    await stopping.broker.publish("exit", "control")
    await asyncio.wait_for(running_app, 5)
    assert not stopping.broker.running
    with pytest.raises(StartupValidationError, match="wrong value: port"):
        await stopping.app.start(port="no number")


async def test_several_brokers() -> None:
    """One function takes from one broker and publishes to another."""
    async with TestMemoryBroker(*several_brokers.app.brokers):
        await several_brokers.orders.publish("tea", "orders")
    assert several_brokers.stored == ["invoice for tea"]


async def test_memory_features() -> None:
    """Wildcards, queue groups, batches, redelivery."""
    async with running(memory_features.broker) as broker:

        async def taken(count: int) -> list[str]:
            gets = (memory_features.taken.get() for _ in range(count))
            return sorted(await asyncio.wait_for(asyncio.gather(*gets), 5))

        await broker.publish(21.5, "sensors.roof.temperature")
        assert await taken(2) == ["* 21.5", "> sensors.roof.temperature"]
        await broker.publish(1, "work")
        assert await taken(1) == ["work 1"]
        for text in ("a", "b"):
            await broker.publish(text, "lines")
        assert await taken(2) == ["line a", "line b"]
        await broker.publish("late", "retry")
        assert await taken(1) == ["late at delivery 3"]
        assert memory_features.taken.empty()


def test_explaining() -> None:
    """The text that explain.md shows."""
    shown = Path(explaining.__file__).with_suffix(".txt").read_text()
    assert explaining.orders.explain() == shown.rstrip("\n")


async def test_wrong_body_is_refused_in_test_mode() -> None:
    """Validation errors come out of publish, as testing.md says."""
    async with TestMemoryBroker(explaining.broker) as broker:
        with pytest.raises(ValidationError, match="price"):
            await broker.publish({"item": "tea"}, "orders")
