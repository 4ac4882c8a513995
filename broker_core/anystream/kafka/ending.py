"""Starting the client's objects, and ending them in a limited time though the server does not
answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka import errors as native

CLOSE_TIMEOUT = 3.0
STOP_TIMEOUT = 2.0


def went_well(task: asyncio.Future[Any]) -> bool:
    """Whether a task has ended by itself and without an exception."""
    return task.done() and not task.cancelled() and task.exception() is None


async def start(made: Any) -> None:
    """Starts one of the client's objects. It comes to its end though this is cancelled: the client
    forgets the socket of its first question when it is interrupted there, and nobody could close
    it any more."""
    starting = asyncio.ensure_future(made.start())
    try:
        await asyncio.shield(starting)
    except asyncio.CancelledError:
        await asyncio.wait({starting}, timeout=STOP_TIMEOUT)
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        raise


async def end_producer(producer: AIOKafkaProducer) -> bool:
    """Stops a producer in any state; False when it could not send everything in time."""
    made: Any = producer
    stopping = asyncio.ensure_future(made.stop())
    await asyncio.wait({stopping}, timeout=CLOSE_TIMEOUT)
    if went_well(stopping):
        return True
    stopping.cancel()
    made._closed = True
    sender = getattr(made, "_sender", None)
    await end_client(made.client, [getattr(sender, "sender_task", None)])
    await asyncio.gather(stopping, return_exceptions=True)
    return False


async def end_client(client: Any, tasks: Iterable[Any]) -> None:
    """Ends the client library's own tasks and sockets when its `stop` hangs, which it does as
    long as a server does not answer."""
    tasks = [*tasks, client._sync_task]  # which its `close` may forget
    running = [task for task in tasks if task is not None and not task.done()]
    for task in running:
        task.cancel()
    if running:
        await asyncio.wait(running, timeout=0.5)
    writers = [connection._writer for connection in client._conns.values() if connection._writer]
    with suppress(asyncio.TimeoutError, native.KafkaError, OSError):
        await asyncio.wait_for(client.close(), 0.5)
    for writer in writers:
        writer.transport.abort()


async def end_consumer(consumer: Any) -> None:
    """Stops a consumer in any state, in a limited time."""
    stopping = asyncio.ensure_future(consumer.stop())
    try:
        await asyncio.wait({stopping}, timeout=STOP_TIMEOUT)
    finally:
        failed = not went_well(stopping)
        stopping.cancel()
        consumer._closed = True
        coordinator, fetcher = consumer._coordinator, consumer._fetcher
        tasks = [
            getattr(owner, name, None)
            for owner, name in (
                (coordinator, "_coordination_task"),
                (coordinator, "_heartbeat_task"),
                (coordinator, "_commit_refresh_task"),
                (coordinator, "_reset_committed_task"),
                (fetcher, "_fetch_task"),
            )
        ]
        if failed:
            await end_client(consumer._client, tasks)
        await asyncio.gather(stopping, return_exceptions=True)
