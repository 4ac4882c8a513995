"""The middleware that counts and measures."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

from typing_extensions import Unpack

from anystream.core.ack import AckStatus
from anystream.core.exceptions import (
    AckMessage,
    NackMessage,
    RejectMessage,
    SetupError,
    SkipMessage,
)
from anystream.core.message import SourceType
from anystream.core.middlewares import BaseMiddleware
from anystream.core.observed import ConsumeAttrs, knows_acknowledgement
from anystream.core.options import check_options
from anystream.core.response import PublishType
from anystream.core.sentinel import EMPTY
from anystream.prometheus.collectors import collectors_of
from anystream.prometheus.options import PrometheusOptions
from anystream.prometheus.series import Incoming, Outgoing

if TYPE_CHECKING:
    from anystream.core.context import ContextRepo

_TOLD = {AckStatus.ACKED: "acked", AckStatus.NACKED: "nacked", AckStatus.REJECTED: "rejected"}
_RAISED = {
    AckMessage: "acked",
    NackMessage: "nacked",
    RejectMessage: "rejected",
    SkipMessage: "skipped",
}


class MetricsSettingsProvider(Protocol):
    """What the middleware asks about a broker's messages and commands."""

    @property
    def system(self) -> str:
        """The value of the label `broker`."""
        ...

    @property
    def published_to(self) -> Callable[[Any], str]:
        """The address that a command goes to."""
        ...

    def consumed(self, message: Any) -> ConsumeAttrs | None:
        """What is measured of a message; None when it is not counted."""
        ...


class PrometheusMiddleware:
    """Metrics of what a broker receives, handles and publishes.

    Args:
        settings: what the broker calls things.
        **options: see `PrometheusOptions`.

    Raises:
        SetupError: the metrics cannot be registered, or a label has no value.
        OptionError: an option does not exist.
    """

    def __init__(
        self, settings: MetricsSettingsProvider, **options: Unpack[PrometheusOptions]
    ) -> None:
        owner = type(self).__name__
        check_options(owner, options, PrometheusOptions)
        if "registry" not in options:
            raise SetupError(f"{owner} needs registry=, such as prometheus_client.REGISTRY")
        custom = dict(options.get("custom_labels") or {})
        for name, value in custom.items():
            if not isinstance(value, str) and not callable(value):
                raise SetupError(
                    f"{owner}: custom_labels: {name}={value!r} is neither a str nor a function "
                    "that returns one"
                )
        prefix = options.get("metrics_prefix", "anystream")
        metrics = collectors_of(
            options["registry"],
            prefix,
            options.get("received_messages_size_buckets"),
            tuple(custom),
        )
        app = options.get("app_name", EMPTY)
        app = prefix if app is EMPTY else app
        self._custom = tuple(custom.values())
        self._varies = any(callable(value) for value in self._custom)
        self._book = _Book(settings, metrics, app)
        self._shared = _Scope(self._book, self._values(None)) if not self._varies else None

    def __call__(self, msg: Any = None, /, *, context: ContextRepo) -> _Scope:
        # it keeps nothing of a message, so one does for all, unless a label looks into messages
        return self._shared or _Scope(self._book, self._values(msg))

    def _values(self, msg: Any) -> tuple[str, ...]:
        return tuple(value if isinstance(value, str) else str(value(msg)) for value in self._custom)


class _Book:
    """The metrics by address and custom labels."""

    def __init__(self, settings: MetricsSettingsProvider, metrics: Any, app: str) -> None:
        self.settings = settings
        self.metrics = metrics
        self.app = app
        self.incoming: dict[tuple[str, ...], dict[str, Incoming]] = {}
        self.outgoing: dict[tuple[str, ...], dict[str, Outgoing]] = {}


class _Scope(BaseMiddleware):
    def __init__(self, book: _Book, custom: tuple[str, ...]) -> None:
        self._book = book
        self._custom = custom
        self._settings = book.settings
        self._incoming = book.incoming.setdefault(custom, {})
        self._outgoing = book.outgoing.setdefault(custom, {})

    def _made(self, kind: Any, address: str, known: dict[str, Any]) -> Any:
        book = self._book
        made = known[address] = kind(
            book.metrics, book.app, self._settings.system, address, *self._custom
        )
        return made

    async def consume_scope(self, call_next: Callable[[Any], Awaitable[Any]], msg: Any) -> Any:
        if msg.source_type is SourceType.RESPONSE:
            return await call_next(msg)
        consumed = self._settings.consumed(msg)
        if consumed is None:
            return await call_next(msg)
        address, count, size = consumed
        series: Incoming = self._incoming.get(address) or self._made(
            Incoming, address, self._incoming
        )
        series.received(count)
        series.size(size)
        series.started(count)
        error: BaseException | None = None
        began = perf_counter()
        try:
            return await call_next(msg)
        except BaseException as raised:
            error = raised
            series.failed(raised)
            raise
        finally:
            series.took(perf_counter() - began)
            series.ended(count)
            series.status(_outcome(msg, error))(count)
            error = None  # its traceback knows this frame

    async def publish_scope(self, call_next: Callable[[Any], Awaitable[Any]], cmd: Any) -> Any:
        if cmd.publish_type is PublishType.REPLY:
            return await call_next(cmd)
        address = self._settings.published_to(cmd)
        series: Outgoing = self._outgoing.get(address) or self._made(
            Outgoing, address, self._outgoing
        )
        amount = len(cmd.batch_bodies)
        began = perf_counter()
        try:
            result = await call_next(cmd)
        except BaseException as error:
            series.failed(error, amount)
            raise
        finally:
            series.took(perf_counter() - began)
        series.success(amount)
        return result


def _outcome(msg: Any, error: BaseException | None) -> str:
    told = msg.committed
    if error is None:
        return "acked" if told is None else _TOLD[told]
    if told is not None and knows_acknowledgement(msg):
        return _TOLD[told]
    for kind, status in _RAISED.items():
        if isinstance(error, kind):
            return status
    return "error"
