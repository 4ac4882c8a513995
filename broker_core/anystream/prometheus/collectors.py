"""The metrics themselves: one set for each registry and prefix."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from anystream.core.exceptions import SetupError
from anystream.prometheus.numbers import Distribution, Numbers

SIZES = tuple(float(2**power) for power in range(4, 25, 2))

INCOMING = ("app_name", "broker", "handler")
OUTGOING = ("app_name", "broker", "destination")
EXTRA = ("status", "exception_type")


class Collectors:
    """All metrics, registered.

    Args:
        registry: where.
        prefix: what their names begin with.
        sizes: upper bounds of the buckets for message sizes, in bytes.
        custom: names of the labels that all of them have besides their own.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        prefix: str,
        sizes: Sequence[float],
        custom: Sequence[str],
    ) -> None:
        self.custom = tuple(custom)
        incoming, outgoing = (*INCOMING, *custom), (*OUTGOING, *custom)
        received, processed = f"{prefix}_received_messages", f"{prefix}_received_processed_messages"
        published = f"{prefix}_published_messages"
        shared = "PROMETHEUS_MULTIPROC_DIR" in os.environ
        own = registry if shared else None

        def counter(name: str, text: str, labels: Sequence[str], *more: str) -> Any:
            made = Counter(name, text, (*labels, *more), registry=own)
            return made if shared else Numbers(made, (*labels, *more), registry)

        def histogram(name: str, text: str, labels: Sequence[str], bounds: Sequence[float]) -> Any:
            made = Histogram(name, text, labels, registry=own, buckets=bounds)
            return made if shared else Distribution(made, labels, registry, bounds)

        def seconds(name: str, text: str, labels: Sequence[str]) -> Any:
            return histogram(f"{name}_duration_seconds", text, labels, Histogram.DEFAULT_BUCKETS)

        in_process = Gauge(
            f"{received}_in_process",
            "Messages that are being handled",
            incoming,
            registry=own,
            multiprocess_mode="livesum",
        )
        self.in_process = in_process if shared else Numbers(in_process, incoming, registry)
        self.received = counter(f"{received}_total", "Messages that came in", incoming)
        self.size = histogram(
            f"{received}_size_bytes", "Sizes of the bodies that came in", incoming, sizes
        )
        self.processed = counter(
            f"{processed}_total", "Messages that were handled, by outcome", incoming, "status"
        )
        self.process_time = seconds(processed, "How long handlers took", incoming)
        self.process_errors = counter(
            f"{processed}_exceptions_total", "Exceptions of handlers", incoming, "exception_type"
        )
        self.published = counter(
            f"{published}_total", "Messages that were published, by outcome", outgoing, "status"
        )
        self.publish_time = seconds(published, "How long publishing took", outgoing)
        self.publish_errors = counter(
            f"{published}_exceptions_total", "Exceptions of publishing", outgoing, "exception_type"
        )


_known: WeakKeyDictionary[CollectorRegistry, dict[str, Collectors]] = WeakKeyDictionary()


def collectors_of(
    registry: CollectorRegistry, prefix: str, sizes: Sequence[float] | None, custom: Sequence[str]
) -> Collectors:
    """The metrics of a registry that begin with a prefix; made and registered the first time.

    Raises:
        SetupError: the names are not valid, somebody else has registered them, or they exist with
            other labels.
    """
    if not isinstance(registry, CollectorRegistry):
        raise SetupError(
            f"registry={registry!r} is no prometheus_client.CollectorRegistry: make one, or take "
            "prometheus_client.REGISTRY"
        )
    clashing = [name for name in custom if name in (*INCOMING, *OUTGOING, *EXTRA)]
    if clashing:
        raise SetupError(f"custom_labels: {clashing[0]!r} is a label of the metrics already")
    known = _known.setdefault(registry, {})
    found = known.get(prefix)
    if found is None:
        try:
            found = known[prefix] = Collectors(registry, prefix, sizes or SIZES, custom)
        except ValueError as error:
            raise SetupError(
                f"the metrics {prefix}_* cannot be registered: {error}. "
                "Give the middleware another metrics_prefix, or another registry"
            ) from error
    if found.custom != tuple(custom):
        raise SetupError(
            f"the metrics {prefix}_* exist in this registry with the custom labels "
            f"{list(found.custom)}, not {list(custom)}: give all middlewares the same ones, or "
            "another metrics_prefix"
        )
    return found
