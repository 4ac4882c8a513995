"""The application: hooks, lifespan, several brokers, run and exit."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import pytest
from fast_depends.pydantic import PydanticSerializer
from pydantic import ValidationError

from anystream.core import Context, ContextRepo, Depends, FastStream, TestApp
from anystream.core.exceptions import SetupError, StartupValidationError
from anystream.core.sentinel import EMPTY
from anystream.memory import MemoryBroker, TestMemoryBroker
from tests.recording_broker import BrokerDown, RecordingBroker


def recording(steps: list[str], *brokers: Any, **options: Any) -> FastStream:
    """An application whose hooks and lifespan write down when they run."""

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        steps.append("lifespan in")
        yield
        steps.append("lifespan out")

    def note(text: str) -> Any:
        async def hook() -> None:
            steps.append(text)

        return hook

    hooks = ("on_startup", "after_startup", "on_shutdown", "after_shutdown")
    given = {name: [note(f"{name} 1")] for name in hooks}
    app = FastStream(*brokers, logger=None, lifespan=lifespan, **{**given, **options})
    for name in hooks:
        hook = note(f"{name} 2")
        assert getattr(app, name)(hook) is hook
    return app


async def test_the_order_of_everything() -> None:
    """Lifespan, hooks, brokers in order, and back with the brokers reversed."""
    steps: list[str] = []
    one, two = RecordingBroker("one", steps), RecordingBroker("two", steps)
    async with TestApp(recording(steps, one, two)):
        steps.append("running")
    assert steps == [
        "lifespan in", "on_startup 1", "on_startup 2", "one.start", "two.start",
        "after_startup 1", "after_startup 2", "running", "on_shutdown 1", "on_shutdown 2",
        "two.stop", "one.stop", "after_shutdown 1", "after_shutdown 2", "lifespan out",
    ]  # fmt: skip


async def test_start_and_stop_leave_the_lifespan_alone() -> None:
    """`start()`, `stop()` and `async with app` run hooks and brokers only."""
    steps: list[str] = []
    app = recording(steps, RecordingBroker("one", steps))
    async with app:
        steps.append("running")
    assert steps[0] == "on_startup 1"
    assert steps[-1] == "after_shutdown 2"
    assert "lifespan in" not in steps


async def test_a_broker_that_fails_stops_those_before_it() -> None:
    """Its very error comes out."""
    steps: list[str] = []
    error = BrokerDown("two is down")
    one, two = RecordingBroker("one", steps), RecordingBroker("two", steps, fail={"start": error})
    app = recording(steps, one, two)
    with pytest.raises(BrokerDown) as caught:
        await app.start()
    assert caught.value is error
    assert [step for step in steps if step.startswith("one")] == ["one.start", "one.stop"]
    assert "after_startup 1" not in steps


async def test_an_after_startup_hook_that_fails_stops_the_brokers() -> None:
    """Nothing is left running."""
    broker = MemoryBroker(logger=None)
    app = FastStream(broker, logger=None)

    @app.after_startup
    async def fail() -> None:
        raise LookupError("boom")

    with pytest.raises(LookupError, match="boom"):
        await app.start()
    assert not broker.connected


async def test_a_failing_shutdown_hook_does_not_keep_brokers_running() -> None:
    """Brokers stop, then the error comes out."""
    broker = MemoryBroker(logger=None)
    app = FastStream(broker, logger=None)

    @app.on_shutdown
    async def fail() -> None:
        raise LookupError("boom")

    await app.start()
    with pytest.raises(LookupError, match="boom"):
        await app.stop()
    assert not broker.connected


async def test_hooks_are_injected() -> None:
    """Context, Depends and the application itself; plain hooks run in a thread."""
    got: dict[str, Any] = {}
    app = FastStream(MemoryBroker(logger=None), logger=None, context=ContextRepo({"k": "v"}))

    async def dependency(k: Annotated[str, Context()]) -> str:
        return k * 2

    def plain(k: Annotated[str, Context()]) -> str:
        return k * 3

    @app.on_startup
    async def first(
        app: Annotated[Any, Context()], context: ContextRepo, twice: str = Depends(dependency)
    ) -> None:
        got.update(app=app, context=context, twice=twice)

    @app.on_startup
    def second(thrice: Annotated[str, Depends(plain)]) -> None:
        got.update(thrice=thrice, thread=threading.current_thread())

    await app.start()
    await app.stop()
    assert got.pop("thread") is not threading.main_thread()
    assert got == {"app": app, "context": app.context, "twice": "vv", "thrice": "vvv"}


async def test_extra_options() -> None:
    """They go to the lifespan and to `on_startup`, cast to the annotation; unknown ones drop."""
    got: list[Any] = []

    @asynccontextmanager
    async def lifespan(
        port: int, context: ContextRepo, app: Annotated[Any, Context()], missing: str = "default"
    ) -> AsyncIterator[None]:
        got.append(("lifespan", port, missing, context is app.context))
        yield

    app = FastStream(MemoryBroker(logger=None), logger=None, lifespan=lifespan)

    @app.on_startup
    async def one(port: int) -> None:
        got.append(("one", port))

    @app.on_startup
    def two(**extra: Any) -> None:
        got.append(("two", {k: v for k, v in extra.items() if not k.endswith("__")}))

    @app.after_startup
    async def three(port: int = 0) -> None:
        got.append(("three", port))

    @app.on_shutdown
    async def four(**extra: Any) -> None:
        got.append(("four", {k: v for k, v in extra.items() if not k.endswith("__")}))

    async with TestApp(app, {"port": "5000", "unknown": "x"}):
        pass
    assert got == [
        ("lifespan", 5000, "default", True),
        ("one", 5000),
        ("two", {"port": "5000", "unknown": "x"}),
        ("three", 0),
        ("four", {}),
    ]


@pytest.mark.parametrize("serializer", [EMPTY, PydanticSerializer()], ids=["default", "own"])
async def test_extra_options_that_do_not_fit(serializer: Any) -> None:
    """Missing and wrong ones are named; a lifespan's error is pydantic's own."""
    app = FastStream(MemoryBroker(logger=None), logger=None, serializer=serializer)

    @app.on_startup
    async def hook(port: int, host: str) -> None: ...

    with pytest.raises(StartupValidationError, match=r"missing: host.*port") as caught:
        await app.start(port="no number")
    assert (caught.value.missed_fields, caught.value.invalid_fields) == (["host"], ["port"])

    @asynccontextmanager
    async def lifespan(port: int) -> AsyncIterator[None]:
        yield

    app = FastStream(MemoryBroker(logger=None), logger=None, lifespan=lifespan)
    with pytest.raises(ValidationError):
        async with TestApp(app, {"port": "no number"}):
            pass


class Lines:
    """A logger that keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str]] = []

    def log(self, level: int, text: str, **_: Any) -> None:
        self.lines.append((level, text))


async def test_run_and_exit() -> None:
    """`exit()` ends `run()`; four lines say what happens, at the level that was asked for."""
    logger, steps = Lines(), []  # type: ignore[var-annotated]
    broker = MemoryBroker(logger=None)
    app = recording(steps, broker)
    app.logger = logger

    @app.after_startup
    def leave() -> None:
        app.exit()

    await asyncio.wait_for(app.run(log_level=logging.WARNING, sleep_time=30), 5)
    assert logger.lines == [
        (logging.WARNING, "FastStream app starting..."),
        (logging.WARNING, "FastStream app started successfully! To exit, press CTRL+C"),
        (logging.WARNING, "FastStream app shutting down..."),
        (logging.WARNING, "FastStream app shut down gracefully."),
    ]
    assert steps[0] == "lifespan in"
    assert steps[-1] == "lifespan out"
    assert not broker.connected


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_signals_end_run(number: int) -> None:
    """SIGINT and SIGTERM stop the application; the handlers are as before afterwards."""
    before = signal.getsignal(number)
    app = FastStream(MemoryBroker(logger=None), logger=None)

    @app.after_startup
    async def kill() -> None:
        os.kill(os.getpid(), number)

    await asyncio.wait_for(app.run(), 5)
    assert signal.getsignal(number) == before


async def test_run_waits_for_messages_in_flight() -> None:
    """What was taken before the signal is handled."""
    broker = MemoryBroker(logger=None)
    app = FastStream(broker, logger=None)
    got: list[int] = []

    @broker.subscriber("in")
    async def handler(body: int) -> None:
        app.exit()
        await asyncio.sleep(0.01)
        got.append(body)

    @app.after_startup
    async def publish() -> None:
        for number in range(3):
            await broker.publish(number, "in")

    await asyncio.wait_for(app.run(), 5)
    assert got == [0, 1, 2]


async def test_an_error_at_the_start_of_run() -> None:
    """It comes out bare, and the lifespan is left."""
    steps: list[str] = []
    error = BrokerDown("down")
    app = recording(steps, RecordingBroker("one", steps, fail={"start": error}))
    with pytest.raises(BrokerDown):
        await app.run()
    assert "lifespan in" in steps


async def test_exit_while_the_start_hangs() -> None:
    """A broker that cannot connect does not keep the process alive."""
    steps: list[str] = []
    broker = RecordingBroker("one", steps, hang=("start",))
    app = FastStream(broker, logger=None)
    running = asyncio.create_task(app.run())
    await broker.entered.wait()
    app.exit()
    await asyncio.wait_for(running, 5)
    assert "one.stop" in steps


async def test_an_application_without_a_broker() -> None:
    """The error says what to do."""
    for start in (FastStream().start, FastStream().run):
        with pytest.raises(SetupError, match="You should setup a broker"):
            await start()


def test_adding_brokers() -> None:
    """Each once, and only brokers."""
    one, two = MemoryBroker(), MemoryBroker()
    app = FastStream(one)
    app.add_broker(two)
    assert (app.broker, app.brokers) == (one, [one, two])
    with pytest.raises(SetupError, match="already added"):
        app.add_broker(two)
    with pytest.raises(SetupError, match="no broker"):
        app.add_broker(MemoryBroker)
    with pytest.warns(DeprecationWarning, match="add_broker"):
        FastStream().set_broker(two)
    assert FastStream().broker is None
    with pytest.raises(SetupError, match="hook"):
        app.on_startup("no function")  # type: ignore[type-var]


async def test_several_brokers_see_the_same_application() -> None:
    """Each broker's context has `app` and its own `broker`."""
    one, two = MemoryBroker(logger=None), MemoryBroker(logger=None)
    app = FastStream(one, two, logger=None)
    got: list[Any] = []

    async def handler(app: Annotated[Any, Context()], broker: Annotated[Any, Context()]) -> None:
        got.append((app, broker))

    one.subscriber("in")(handler)
    two.subscriber("in")(handler)
    async with TestMemoryBroker(one, two), app:
        await one.publish(1, "in")
    assert got == [(app, one), (app, two)]
