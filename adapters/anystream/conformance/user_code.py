"""The user's part of an application under test: hooks and handlers for any framework."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from anystream.conformance.journal import Journal
from anystream.conformance.recording import HookFailed, OtherRecordingBroker, RecordingBroker

IN_FLIGHT = 0.6

AskBroker = Callable[..., Any]


class UserCode:
    """What a host's `make_app` has to put into the framework's application.

    - `await user.on_start()` and `await user.on_stop()` in the framework's start and stop hooks.
    - `GET /user/{action}` answers with the text `await user.answer(action, ask)`, where
      `ask(kind=None)` calls the adapter's `get_broker` with this request.
    - `GET /idiom` answers with `user.name_of(broker)`, the broker being handed over by the
      framework's own idiom (injection, a context attribute, an application key).
    - `GET /sub/user/{action}`: as `/user/{action}`, in a sub-application.
    - a websocket at `/user-socket`: accept, send `await user.answer("broker", ask)` as text.
    - any other GET path answers `user.catch_all`.
    """

    catch_all = "the user's catch-all"

    def __init__(self, journal: Journal, fails: str = "") -> None:
        self._journal = journal
        self._fails = fails
        self.setup_again: Callable[[], Any] | None = None

    async def on_start(self) -> None:
        """The user's start hook."""
        await self._hook("user.start")

    async def on_stop(self) -> None:
        """The user's stop hook."""
        await self._hook("user.stop")

    async def _hook(self, name: str) -> None:
        self._journal.write(name)
        if self._fails == name:
            raise HookFailed(f"the conformance hook {name} failed")

    def name_of(self, broker: Any) -> str:
        """How the journal calls this broker."""
        return str(getattr(broker, "name", None) or type(broker).__name__)

    async def answer(self, action: str, ask: AskBroker) -> str:
        """Carries out one action and answers with a JSON text; errors are part of the answer."""
        self._journal.write("request", action=action)
        act = self._actions().get(action)
        if act is None:
            return json.dumps({"error": "LookupError", "text": f"no action {action!r}"})
        try:
            return json.dumps({"result": await act(ask)})
        except Exception as error:
            names = [kind.__name__ for kind in type(error).__mro__]
            return json.dumps({"error": names, "text": str(error)})
        finally:
            self._journal.write("answered", action=action)

    def _actions(self) -> dict[str, Callable[[AskBroker], Any]]:
        return {
            "hello": self._hello,
            "broker": self._broker,
            "first-kind": lambda ask: self._by_kind(ask, RecordingBroker),
            "other-kind": lambda ask: self._by_kind(ask, OtherRecordingBroker),
            "no-such-kind": lambda ask: self._by_kind(ask, UserCode),
            "publish": self._publish,
            "publish-order": self._publish_order,
            "in-flight": self._in_flight,
            "setup-again": self._setup_again,
        }

    async def _hello(self, ask: AskBroker) -> str:
        return "hello"

    async def _broker(self, ask: AskBroker) -> str:
        return self.name_of(ask())

    async def _by_kind(self, ask: AskBroker, kind: type) -> str:
        return self.name_of(ask(kind))

    async def _publish(self, ask: AskBroker) -> str:
        await ask().publish("from a handler")
        return "published"

    async def _publish_order(self, ask: AskBroker) -> str:
        await ask().publish({"number": 7, "item": "tea"}, "conformance.orders")
        return "published"

    async def _in_flight(self, ask: AskBroker) -> str:
        await asyncio.sleep(IN_FLIGHT)
        await ask().publish("from a request in flight")
        return "published"

    async def _setup_again(self, ask: AskBroker) -> str:
        if self.setup_again is None:
            raise LookupError("the application was not built by the suite")
        self.setup_again()
        return "accepted"
