"""Brokers start together or not at all, and always stop."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from anystream.core.exceptions import IncorrectState, SetupError, StartTimeout
from anystream.core.lifecycle import Lifecycle, start_brokers, stop_brokers
from tests.recording_broker import BrokerDown, RecordingBroker, RecordingStream

FULL = [
    "lifespan enter",
    "on_startup",
    "a.start",
    "b.start",
    "after_startup",
    "on_shutdown",
    "b.stop",
    "a.stop",
    "after_shutdown",
    "lifespan exit",
]


def pair(**of_b: Any) -> tuple[list[str], RecordingBroker, RecordingBroker]:
    journal: list[str] = []
    return journal, RecordingBroker("a", journal), RecordingBroker("b", journal, **of_b)


async def test_brokers_start_in_order_and_stop_reversed() -> None:
    """The first to start is the last to stop."""
    journal, a, b = pair()
    await start_brokers([a, b])
    await stop_brokers([a, b])
    assert journal == ["a.start", "b.start", "b.stop", "a.stop"]


async def test_failed_start_stops_the_failed_broker_too() -> None:
    """A broker that fails half-way is stopped as well, and its own error comes out."""
    error = BrokerDown("no server")
    journal, a, b = pair(fail={"start": error})
    with pytest.raises(BrokerDown) as caught:
        await start_brokers([a, b])
    assert caught.value is error
    assert journal == ["a.start", "b.start", "b.stop", "a.stop"]


async def test_rollback_error_does_not_mask_the_first(caplog: pytest.LogCaptureFixture) -> None:
    """An error of the rollback is logged, the error of the start is raised."""
    fail: dict[str, BaseException] = {"start": BrokerDown("first"), "stop": RuntimeError("second")}
    journal, a, b = pair(fail=fail)
    with pytest.raises(BrokerDown, match="first"):
        await start_brokers([a, b])
    assert journal[-1] == "a.stop"
    assert "RecordingBroker (number 2 of 2) failed to stop" in caplog.text
    assert "second" in caplog.text


async def test_timeout_names_broker_and_seconds() -> None:
    """A start that takes too long is cut, undone, and says which broker it was."""
    journal, a, b = pair(hang=("start",))
    with pytest.raises(
        StartTimeout, match=r"RecordingBroker \(number 2 of 2\) .* 0\.05 s"
    ) as caught:
        await start_brokers([a, b], timeout=0.05)
    assert isinstance(caught.value, TimeoutError)
    assert journal[-2:] == ["b.stop", "a.stop"]


async def test_own_timeout_error_of_a_broker_is_passed_through() -> None:
    """A TimeoutError that a broker raises by itself is not turned into ours."""
    error = TimeoutError("own")
    with pytest.raises(TimeoutError) as caught:
        await start_brokers([RecordingBroker(fail={"start": error})], timeout=5)
    assert caught.value is error


async def test_stubborn_start_is_left_behind() -> None:
    """A start that ignores its cancellation does not hold the application up."""
    broker = RecordingBroker(stubborn=("start",))
    with pytest.raises(StartTimeout):
        await asyncio.wait_for(start_brokers([broker], timeout=0.05), 5)
    assert "broker.stop" in broker.journal


async def test_cancelled_start_is_rolled_back() -> None:
    """Cancelling the start stops what was begun."""
    journal, a, b = pair(hang=("start",))
    task = asyncio.create_task(start_brokers([a, b]))
    await b.entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert journal[-2:] == ["b.stop", "a.stop"]


async def test_consume_false_connects() -> None:
    """Without consuming, brokers are connected and not started."""
    broker = RecordingBroker()
    await start_brokers([broker], consume=False)
    assert broker.journal == ["broker.connect"]


async def test_consume_false_needs_connect() -> None:
    """A broker without `connect()` is refused with the remedy."""

    class Bare:
        async def stop(self) -> None: ...

    with pytest.raises(SetupError, match="Bare has no `connect"):
        await start_brokers([Bare()], consume=False)


async def test_stop_never_raises(caplog: pytest.LogCaptureFixture) -> None:
    """A broker that fails to stop is logged, the others are stopped."""
    journal, a, b = pair(fail={"stop": RuntimeError("boom")})
    await stop_brokers([a, b])
    assert journal == ["b.stop", "a.stop"]
    assert "boom" in caplog.text


@pytest.mark.parametrize("way", ["hang", "stubborn"])
async def test_stop_is_bounded(way: str, caplog: pytest.LogCaptureFixture) -> None:
    """A broker that does not stop is given up after the timeout."""
    journal, a, b = pair(**{way: ("stop",)})
    await asyncio.wait_for(stop_brokers([a, b], timeout=0.05), 5)
    assert journal[-1] == "a.stop"
    assert "did not stop within 0.05 s" in caplog.text


async def test_stop_survives_cancellation() -> None:
    """A cancelled stop stops all brokers, and then is cancelled."""
    journal, a, b = pair()
    release = asyncio.Event()
    stop = b.stop

    async def slow_stop() -> None:
        await stop()
        await release.wait()

    b.stop = slow_stop  # type: ignore[method-assign]
    task = asyncio.create_task(stop_brokers([a, b], timeout=5))
    await b.entered.wait()
    task.cancel()
    release.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert journal == ["b.stop", "a.stop"]


async def test_order_of_hooks_and_brokers() -> None:
    """Lifespan, hooks and brokers are nested as documented."""
    journal, a, b = pair()
    stream = RecordingStream(a, b)
    life = Lifecycle(stream)
    assert life.brokers == [a, b]
    await life.start(port=1)
    assert life.running
    await life.stop()
    assert not life.running
    assert journal == FULL
    assert stream.extra["lifespan"] == stream.extra["on_startup"] == {"port": 1}
    assert stream.extra["after_startup"] == stream.extra["on_shutdown"] == {}


async def test_start_and_stop_are_idempotent_and_concurrent() -> None:
    """However many start and stop, it happens once."""
    broker = RecordingBroker()
    life = Lifecycle(broker)
    await life.stop()
    await asyncio.gather(*(life.start() for _ in range(5)))
    await life.start()
    await asyncio.gather(*(life.stop() for _ in range(5)))
    await life.stop()
    assert broker.journal == ["broker.start", "broker.stop"]


async def test_restart() -> None:
    """A stopped lifecycle starts again."""
    broker = RecordingBroker()
    life = Lifecycle(broker)
    for _ in range(2):
        await life.start()
        await life.stop()
    assert broker.journal == ["broker.start", "broker.stop"] * 2


async def test_start_during_stop_waits_for_it() -> None:
    """A start that arrives while stopping begins when the stop is through."""
    broker = RecordingBroker()
    life = Lifecycle(broker)
    await life.start()
    stopping = asyncio.create_task(life.stop())
    await asyncio.sleep(0)
    await life.start()
    await stopping
    assert broker.journal == ["broker.start", "broker.stop", "broker.start"]
    assert life.running
    await life.stop()


def test_new_event_loop() -> None:
    """Each loop gets a start of its own; leaving a loop stops the brokers."""
    broker = RecordingBroker()
    life = Lifecycle(broker)
    for _ in range(2):
        asyncio.run(life.start())
        assert not life.running
    assert broker.journal == ["broker.start", "broker.stop"] * 2


async def test_stop_while_starting() -> None:
    """A stop cuts a start short; who waits for the start is told so."""
    broker = RecordingBroker(hang=("start",))
    life = Lifecycle(broker)
    starting = asyncio.create_task(life.start())
    await broker.entered.wait()
    await life.stop()
    with pytest.raises(IncorrectState, match="stopped while it was starting"):
        await starting
    assert broker.journal == ["broker.start", "broker.stop"]


async def test_stop_before_the_first_step_of_a_start() -> None:
    """A stop right behind a start leaves nobody waiting."""
    life = Lifecycle(RecordingBroker())
    starting = asyncio.create_task(life.start())
    stopping = asyncio.create_task(life.stop())
    with pytest.raises(IncorrectState):
        await asyncio.wait_for(starting, 1)
    await stopping
    assert not life.running


async def test_cancelled_starter_rolls_back_once_nobody_waits() -> None:
    """One of two starters may be cancelled; when the last one is, the start is undone."""
    broker = RecordingBroker(hang=("start",))
    life = Lifecycle(broker)
    one, two = asyncio.create_task(life.start()), asyncio.create_task(life.start())
    await broker.entered.wait()
    one.cancel()
    await asyncio.wait({one})
    assert broker.journal == ["broker.start"]
    two.cancel()
    await asyncio.wait({two})
    assert broker.journal == ["broker.start", "broker.stop"]


@pytest.mark.parametrize(
    ("where", "seen"),
    [
        ("lifespan enter", FULL[:1]),
        ("on_startup", [*FULL[:2], "lifespan exit"]),
        ("after_startup", FULL),
    ],
)
async def test_failing_hook_undoes_the_start(where: str, seen: list[str]) -> None:
    """A hook that fails at the start brings everything down and comes out as it is."""
    journal, a, b = pair()
    error = RuntimeError(where)
    life = Lifecycle(RecordingStream(a, b, fail={where: error}))
    with pytest.raises(RuntimeError) as caught:
        await life.start()
    assert caught.value is error
    assert journal == seen
    assert not life.running


async def test_failing_broker_runs_the_shutdown_hooks() -> None:
    """What on_startup opened is closed again when a broker cannot start."""
    journal, a, b = pair(fail={"start": BrokerDown()})
    with pytest.raises(BrokerDown):
        await Lifecycle(RecordingStream(a, b)).start()
    assert journal == [
        *FULL[:4],
        "b.stop",
        "a.stop",
        "on_shutdown",
        "after_shutdown",
        "lifespan exit",
    ]


@pytest.mark.parametrize("where", ["on_shutdown", "after_shutdown", "lifespan exit"])
async def test_failing_hook_does_not_keep_brokers_alive(
    where: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A hook that fails at the stop is logged, and all the rest is done."""
    journal, a, b = pair()
    life = Lifecycle(RecordingStream(a, b, fail={where: RuntimeError("late failure")}))
    await life.start()
    await life.stop()
    assert journal == FULL
    assert "late failure" in caplog.text


async def test_system_exit_of_a_hook_reaches_the_caller() -> None:
    """A SystemExit at the start is raised to who starts, after the rollback."""
    journal, a, b = pair()
    life = Lifecycle(RecordingStream(a, b, fail={"after_startup": SystemExit(3)}))
    with pytest.raises(SystemExit):
        await life.start()
    assert journal == FULL


async def test_cancelled_stop_cuts_a_hanging_hook_not_the_brokers(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Who cancels a stop does not wait for the user's hooks, but the brokers are stopped."""
    journal, a, b = pair()
    entered = asyncio.Event()

    class Hanging(RecordingStream):
        async def run_hooks(self, name: str, **extra: Any) -> None:
            await super().run_hooks(name, **extra)
            if name == "on_shutdown":
                entered.set()
                await asyncio.get_running_loop().create_future()

    life = Lifecycle(Hanging(a, b))
    await life.start()
    stopping = asyncio.create_task(life.stop())
    await entered.wait()
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    assert journal == FULL
    assert "`on_shutdown` failed" in caplog.text


async def test_application_without_brokers() -> None:
    """An application with nothing to start says what to do."""
    with pytest.raises(SetupError, match="has no broker"):
        await Lifecycle(RecordingStream(journal=[])).start()


async def test_lifespan_is_left_in_the_task_that_entered_it() -> None:
    """Start and stop may come from different tasks."""
    tasks = []

    class Noting(RecordingStream):
        def _note(self, name: str) -> None:
            super()._note(name)
            tasks.append(asyncio.current_task())

    life = Lifecycle(Noting(RecordingBroker()))
    await asyncio.create_task(life.start())
    await asyncio.create_task(life.stop())
    assert len(set(tasks)) == 1


async def test_foreign_application_is_driven_by_its_own_start_and_stop() -> None:
    """An application that has no hooks for us starts and stops its brokers itself."""
    journal: list[str] = []

    class Foreign:
        def __init__(self) -> None:
            self.brokers = [RecordingBroker("a", journal)]

        async def start(self) -> None:
            journal.append("app.start")
            await self.brokers[0].start()

        async def stop(self) -> None:
            await self.brokers[0].stop()
            journal.append("app.stop")

    life = Lifecycle(Foreign())
    await life.start()
    await life.stop()
    life = Lifecycle(Foreign(), consume=False)
    await life.start()
    await life.stop()
    assert journal == ["app.start", "a.start", "a.stop", "app.stop", "a.connect", "a.stop"]


async def test_foreign_faststream_application() -> None:
    """FastStream's own application works: its lifespan, its hooks, its failing broker."""
    faststream = pytest.importorskip("faststream")
    journal: list[str] = []
    broker = pytest.importorskip("faststream.nats").NatsBroker(
        "nats://127.0.0.1:9", logger=None, allow_reconnect=False, max_reconnect_attempts=1
    )
    app = faststream.FastStream(broker, logger=None)

    @app.on_startup
    async def opened() -> None:
        journal.append("on_startup")

    with pytest.raises(StartTimeout, match=r"FastStream did not start within 0\.2 s"):
        await Lifecycle(app, start_timeout=0.2, stop_timeout=2.0).start()
    assert journal == ["on_startup"]


async def test_logger_is_optional() -> None:
    """Silence is allowed."""
    await stop_brokers([RecordingBroker(fail={"stop": RuntimeError()})], logger=None)
    assert logging.getLogger("anystream.hosting").name
