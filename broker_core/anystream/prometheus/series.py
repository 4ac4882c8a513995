"""The metrics of one address, their labels resolved: what is left is to add numbers."""

from __future__ import annotations

from collections.abc import Callable

from anystream.core.exceptions import IgnoredException
from anystream.prometheus.collectors import Collectors

Add = Callable[[float], None]


class Incoming:
    """Messages of one handler.

    Args:
        metrics: all metrics.
        app, system, address, custom: the values of their labels.
    """

    def __init__(
        self, metrics: Collectors, app: str, system: str, address: str, *custom: str
    ) -> None:
        self._metrics = metrics
        self._labels = (app, system, address, *custom)
        self._statuses: dict[str, Add] = {}
        gauge = metrics.in_process.labels(*self._labels)
        self.received: Add = metrics.received.labels(*self._labels).inc
        self.size: Add = metrics.size.labels(*self._labels).observe
        self.started: Add = gauge.inc
        self.ended: Add = gauge.dec
        self.took: Add = metrics.process_time.labels(*self._labels).observe

    def status(self, name: str) -> Add:
        """Counts messages with this outcome."""
        found = self._statuses.get(name)
        if found is None:
            found = self._statuses[name] = self._metrics.processed.labels(*self._labels, name).inc
        return found

    def failed(self, error: BaseException) -> None:
        """Counts an exception, unless it was raised to steer the flow."""
        if isinstance(error, Exception) and not isinstance(error, IgnoredException):
            self._metrics.process_errors.labels(*self._labels, type(error).__name__).inc()


class Outgoing:
    """What is published to one address.

    Args:
        metrics: all metrics.
        app, system, address, custom: the values of their labels.
    """

    def __init__(
        self, metrics: Collectors, app: str, system: str, address: str, *custom: str
    ) -> None:
        self._metrics = metrics
        self._labels = (app, system, address, *custom)
        self.took: Add = metrics.publish_time.labels(*self._labels).observe
        self.success: Add = metrics.published.labels(*self._labels, "success").inc

    def failed(self, error: BaseException, amount: int) -> None:
        """Counts what was not published, and why."""
        self._metrics.published.labels(*self._labels, "error").inc(amount)
        if isinstance(error, Exception) and not isinstance(error, IgnoredException):
            self._metrics.publish_errors.labels(*self._labels, type(error).__name__).inc()
