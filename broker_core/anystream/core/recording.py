"""What a test asks afterwards: which bodies went through a handler or a publisher."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from anystream.core.codec import decode_body, encode_message
from anystream.core.exceptions import SetupError
from anystream.core.sentinel import EMPTY

if TYPE_CHECKING:
    from unittest.mock import MagicMock


class Recorder:
    """The calls of one handler or publisher in test mode.

    A call is a plain tuple until somebody looks: the `MagicMock` is made, and fed, on demand.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[Any, Any]] = []
        self._shown = 0
        self._mock: MagicMock | None = None
        self._error: BaseException | None = None
        self._done: asyncio.Event | None = None
        self._finished = 0

    def record(self, body: Any, message: Any = None) -> None:
        """Notes a call with a decoded body."""
        self.calls.append((body, message))
        if self._mock is not None:
            self._show()

    def finish(self, error: BaseException | None = None) -> None:
        """Notes that a call ended."""
        self._finished += 1
        self._error = error
        if self._done is not None:
            self._done.set()

    def _show(self) -> None:
        mock = self._mock
        if mock is not None:
            new, self._shown = self.calls[self._shown :], len(self.calls)
            for body, _ in new:
                mock(body)

    @property
    def mock(self) -> MagicMock:
        """A `MagicMock` that was called with each decoded body."""
        if self._mock is None:
            from unittest.mock import MagicMock

            self._mock = MagicMock()
        self._show()
        return self._mock

    async def wait(self, timeout: float | None) -> None:
        """Waits until a call ended; raises what the handler raised, or `TimeoutError`."""
        if not self._finished:
            self._done = asyncio.Event()
            try:
                await asyncio.wait_for(self._done.wait(), timeout)
            except asyncio.TimeoutError:
                raise TimeoutError(f"no call within {timeout} seconds") from None
        if self._error is not None:
            raise self._error

    def reset(self) -> None:
        """Forgets everything."""
        self.calls.clear()
        self._shown = self._finished = 0
        self._error = self._done = None
        if self._mock is not None:
            self._mock.reset_mock()


class Recorded:
    """Mixin of objects that have a recorder in test mode."""

    recorder: Recorder | None = None

    def _need_recorder(self) -> Recorder:
        if self.recorder is None:
            raise SetupError(
                f"{self!r} records calls in test mode only: use it inside "
                "`async with TestBroker(broker):` (TestNatsBroker, TestMemoryBroker, …)"
            )
        return self.recorder

    @property
    def mock(self) -> MagicMock:
        """A `MagicMock` that was called with each decoded body; only in test mode."""
        return self._need_recorder().mock

    async def assert_called_with(self, body: Any = EMPTY, **expected: Any) -> None:
        """Checks the last call: body, and by keyword headers (a subset), correlation_id,
        reply_to, content_type, path. Raises `AssertionError`."""
        calls = self._need_recorder().calls
        if not calls:
            raise AssertionError(f"{self!r} was not called")
        _compare(calls[-1:], body, expected)

    async def assert_called_once_with(self, body: Any = EMPTY, **expected: Any) -> None:
        """Checks that there was one call, and that it was this one."""
        calls = self._need_recorder().calls
        if len(calls) != 1:
            raise AssertionError(f"{self!r} was called {len(calls)} times, not once")
        _compare(calls, body, expected)

    async def assert_any_call(self, body: Any = EMPTY, **expected: Any) -> None:
        """Checks that one of the calls was this one."""
        _compare(self._need_recorder().calls, body, expected)


def record_late(item: Recorded, parent: Any) -> None:
    """Gives a mock to what is declared while its broker is in test mode already."""
    broker = parent.root_broker()
    if broker is not None and broker.recording and item.recorder is None:
        item.recorder = Recorder()


def _compare(calls: Any, body: Any, expected: dict[str, Any]) -> None:
    problems: list[str] = []
    for got, message in calls:
        found = _differences(got, message, body, expected)
        if not found:
            return
        problems.extend(found)
    raise AssertionError("; ".join(problems) or "there was no call")


def _differences(got: Any, message: Any, body: Any, expected: dict[str, Any]) -> list[str]:
    problems = []
    if body is not EMPTY and got != body and got != decode_body(*_encoded(body)):
        problems.append(f"body is {got!r}, not {body!r}")
    for name, value in expected.items():
        actual = getattr(message, name, None)
        subset = name == "headers"
        same = value.items() <= (actual or {}).items() if subset else actual == value
        if not same:
            problems.append(f"{name} is {actual!r}, not {value!r}")
    return problems


def _encoded(body: Any) -> tuple[bytes, str | None]:
    from fast_depends.pydantic import PydanticSerializer

    return encode_message(body, PydanticSerializer())
