"""Try It Out: runs the handler of a channel with a message from the document's page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from anystream.core.broker import Broker
from anystream.core.exceptions import FeatureNotSupportedException, SetupError, SubscriberNotFound
from anystream.core.isolation import Copies, isolated
from anystream.core.subscriber import Subscriber
from anystream.specification import AsyncAPI
from anystream.specification.model import Channel

REPLY_TIMEOUT = 30.0  # seconds that a handler may take

Channels = Mapping[str, Channel]


@dataclass
class TryAnswer:
    """What the page is told.

    Args:
        status: HTTP status.
        body: for JSON.
    """

    status: int
    body: Any


class TryItOutProcessor:
    """Runs handlers with messages from outside.

    A message meets a copy of the brokers in test mode, made for it alone: real brokers, real
    traffic and other tries are not touched. What handlers do elsewhere, in a database for
    example, they do.

    Args:
        *brokers: the brokers of anystream whose channels can be tried.
        channels: gives the channels by their keys in the document; by default those of a document
            of the brokers.
        real_broker: whether a request may ask that its message goes to the real broker.

    Raises:
        SetupError: there is no broker, or one is not of anystream (a `ValueError`, too).
    """

    def __init__(
        self,
        *brokers: Any,
        channels: Callable[[], Channels] | None = None,
        real_broker: bool = False,
    ) -> None:
        if not brokers:
            raise SetupError("there is no broker whose channels could be tried: pass one")
        for broker in brokers:
            if not isinstance(broker, Broker):
                raise SetupError(f"{broker!r} is no broker of anystream: it cannot be tried")
        self.brokers: Iterable[Broker] = brokers
        self.real_broker = real_broker
        self._channels = channels or self._own_channels

    def _own_channels(self) -> Channels:
        return AsyncAPI(*self.brokers).to_specification().channels

    async def process(self, request: Any) -> TryAnswer:
        """Answers a request of the page; see the documentation for its fields.

        Args:
            request: the request's JSON.
        """
        if not isinstance(request, Mapping):
            return _refused(400, "Invalid request: pass a JSON object")
        name = request.get("channelName")
        if not isinstance(name, str) or not name:
            return _refused(400, "Missing channelName")
        sent = request.get("message")
        payload = sent.get("message") if isinstance(sent, Mapping) else None
        options = request.get("options")
        real = isinstance(options, Mapping) and options.get("sendToRealBroker") is True
        if real and not self.real_broker:
            return _refused(403, "Sending to the real broker is not switched on")
        channel = self._find(name)
        if channel is None:
            return _not_found(name)
        parameters = request.get("parameters")
        address = _filled(channel.destination, parameters)
        try:
            if real:
                return await self._send(channel, address, payload)
            return await self._rehearse(channel, address, payload)
        except SubscriberNotFound:
            return _not_found(name)
        except Exception as error:
            return _failed(error)

    def _find(self, name: str) -> Channel | None:
        """The channel of a key, or one that has the key's first part for its address."""
        channels = self._channels()
        if name in channels:
            return channels[name]
        destination = name.partition(":")[0]
        found = [it for it in channels.values() if it.destination == destination]
        return next((it for it in found if it.action == "receive"), found[0] if found else None)

    async def _send(self, channel: Channel, address: str, payload: Any) -> TryAnswer:
        broker: Broker = channel.declared.broker
        await broker.publish_command(broker.command_to(channel.declared, address, payload))
        return TryAnswer(200, "ok")

    async def _rehearse(self, channel: Channel, address: str, payload: Any) -> TryAnswer:
        async with isolated(self.brokers) as copies:
            broker = copies.of(channel.declared.broker)
            declared = _twin(channel.declared, copies)
            try:
                reply = await broker.request_command(
                    broker.command_to(declared, address, payload), REPLY_TIMEOUT
                )
            except FeatureNotSupportedException:
                await broker.publish_command(broker.command_to(declared, address, payload))
                return TryAnswer(200, "ok")
            if not reply.body:
                return TryAnswer(200, "ok")
            answer = await reply.decode()
        return TryAnswer(200, "ok" if answer is None else _shown(answer))


def _twin(declared: Any, copies: Copies) -> Any:
    return copies.subscribers[declared] if isinstance(declared, Subscriber) else declared


def _filled(address: str, parameters: Any) -> str:
    """The address with values for its `{name}` parts."""
    if isinstance(parameters, Mapping):
        for name, value in parameters.items():
            if isinstance(value, str) and value:
                address = address.replace(f"{{{name}}}", value)
    return address


def _shown(answer: Any) -> Any:
    return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer


def _refused(status: int, why: str) -> TryAnswer:
    return TryAnswer(status, {"details": why})


def _not_found(name: str) -> TryAnswer:
    return _refused(404, f"{name.partition(':')[0]} destination not found.")


def _failed(error: Exception) -> TryAnswer:
    body: dict[str, Any] = {"details": repr(error)}
    errors = _validation_errors(error)
    if errors:
        body["errors"] = errors
    return TryAnswer(500, body)


def _validation_errors(error: BaseException | None) -> list[dict[str, Any]]:
    """What a validating library found, place by place."""
    while error is not None:
        tell: Any = getattr(error, "errors", None)
        if tell is not None and not isinstance(tell, list | tuple):
            return [{"loc": [*map(str, it["loc"])], "msg": it["msg"]} for it in tell()]
        error = getattr(error, "original_error", None) or error.__cause__
    return []
