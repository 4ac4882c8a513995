"""Declaring streams: each is made, or given what it lacks, when somebody starts to use it."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import nats.errors
import nats.js.errors

from anystream.core.address import nats_template
from anystream.core.exceptions import FeatureNotSupportedException, SetupError
from anystream.core.publisher import Publisher
from anystream.core.subscriber import Subscriber
from anystream.nats.connection import NatsConnection
from anystream.nats.errors import ALREADY_IN_USE
from anystream.nats.schemas import STREAM_OPTION_SINCE, JStream, with_subject
from anystream.nats.server_version import require_server
from anystream.nats.source import wire_subjects

if TYPE_CHECKING:
    from anystream.core.router import Router

Wanted = dict[str, tuple[JStream, list[str]]]


def wanted_streams(subscribers: Iterable[Subscriber], publishers: Iterable[Publisher]) -> Wanted:
    """The streams that are declared, with their subjects; of one name the first object counts."""
    found: Wanted = {}

    def add(stream: JStream, subjects: Iterable[str]) -> None:
        first, known = found.get(stream.name, (stream, []))
        for subject in (*stream.subjects, *subjects):
            known = with_subject(known, subject)
        found[stream.name] = (first, known)

    for subscriber in subscribers:
        if subscriber.source.stream is not None:
            add(subscriber.source.stream, wire_subjects(subscriber))
    for publisher in publishers:
        stream = publisher.options.get("stream_object")
        if stream is not None:
            add(stream, [nats_template(publisher.destination).wire])
    return found


class Streams:
    """The declared streams, at the server.

    Args:
        connection: where they are made.
        declarations: the broker whose subscribers and publishers name them.
    """

    def __init__(self, connection: NatsConnection, declarations: Router) -> None:
        self.connection = connection
        self.declarations = declarations
        self._made: dict[str, list[str]] = {}

    def forget(self) -> None:
        """Another connection begins: nothing is known of what is there."""
        self._made.clear()

    async def declare_all(self) -> None:
        """Makes all that were not made yet, or have new subjects.

        Raises:
            SetupError: the server refuses one.
        """
        wanted = self._wanted()
        for name in sorted(wanted, key=lambda name: _has_origin(wanted[name][0])):
            stream, subjects = wanted[name]
            if self._made.get(name) != subjects:
                await self._make(stream, subjects)

    async def declare_for(self, subscriber: Subscriber) -> None:
        """Makes the stream of a subscriber that was added since; does nothing for the others.

        Raises:
            SetupError: the server refuses it.
        """
        stream: JStream = subscriber.source.stream
        made = self._made.get(stream.name)
        if made is None or any(
            with_subject(made, new) != made for new in wire_subjects(subscriber)
        ):
            await self.declare_again(stream.name)

    async def declare_again(self, name: str) -> None:
        """Makes a stream that was there and is gone.

        Raises:
            SetupError: the server refuses it.
        """
        if name in (wanted := self._wanted()):
            await self._make(*wanted[name])

    def _wanted(self) -> Wanted:
        return wanted_streams(self.declarations.subscribers, self.declarations.publishers)

    async def _make(self, stream: JStream, subjects: list[str]) -> None:
        if stream.declare:
            try:
                await self._add(stream, subjects)
            except nats.errors.TimeoutError:
                self.connection.say(
                    logging.ERROR,
                    f"{stream!r} was not declared: NATS did not answer. May this user make "
                    "streams? If it is made elsewhere, say JStream(..., declare=False)",
                )
            except (nats.errors.Error, FeatureNotSupportedException, ValueError) as error:
                reason = getattr(error, "description", None) or str(error)
                raise SetupError(
                    f"{stream!r}, used by {self._users(stream.name)}, cannot be declared: "
                    f"{reason}. {_hint(error)}"
                ) from error
        self._made[stream.name] = subjects

    async def _add(self, stream: JStream, subjects: list[str]) -> None:
        for option, since in STREAM_OPTION_SINCE.items():
            if stream.options.get(option):
                require_server(self.connection.client, since, f"its option {option}")
        js: Any = self.connection.js
        try:
            await js.add_stream(stream.config(subjects))
        except nats.js.errors.BadRequestError as error:
            if error.err_code != ALREADY_IN_USE:
                raise
            await self._update(js, stream, subjects)

    async def _update(self, js: Any, stream: JStream, subjects: list[str]) -> None:
        known = (await js.stream_info(stream.name)).config
        union: list[str] = list(known.subjects or [])
        for subject in subjects:
            union = with_subject(union, subject)
        wanted = stream.config(union, known)
        if wanted.as_dict() == known.as_dict():
            return
        self.connection.say(
            logging.WARNING,
            f"{stream!r} is there with another configuration; it is updated and takes "
            f"{', '.join(union)}",
        )
        await js.update_stream(wanted)

    def _users(self, name: str) -> str:
        users: list[Any] = [
            subscriber
            for subscriber in self.declarations.subscribers
            if subscriber.source.stream is not None and subscriber.source.stream.name == name
        ]
        for publisher in self.declarations.publishers:
            stream = publisher.options.get("stream_object")
            if stream is not None and stream.name == name:
                users.append(publisher)
        return ", ".join(map(repr, users))


def _has_origin(stream: JStream) -> bool:
    """Whether it copies others, which have to be there first: the server looks rarely again."""
    return bool(stream.options.get("mirror") or stream.options.get("sources"))


def _hint(error: Exception) -> str:
    if isinstance(error, nats.js.errors.ServiceUnavailableError):
        return "Is JetStream switched on (`nats-server -js`)?"
    if isinstance(error, FeatureNotSupportedException):
        return "Leave the option out, or take a newer server"
    return (
        "Declare it as it is at the server, or leave it alone with JStream(..., declare=False), "
        "or delete it there"
    )
