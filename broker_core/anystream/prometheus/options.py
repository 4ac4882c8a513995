"""What a Prometheus middleware can be told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict

from prometheus_client import CollectorRegistry
from typing_extensions import NotRequired

Label = str | Callable[[Any], str]


class PrometheusOptions(TypedDict):
    """Keyword arguments of Prometheus middlewares.

    Keys:
        registry: where the metrics are registered. Middlewares of one registry and prefix share
            their metrics.
        app_name: value of the label `app_name`; the prefix by default.
        metrics_prefix: what the names of the metrics begin with; `anystream` by default.
        received_messages_size_buckets: upper bounds for sizes in bytes; 16, 64, … to 16777216 by
            default.
        custom_labels: further labels of all metrics: a value, or a function that is called with
            the native message in hand (None when there is none) and returns one.
    """

    registry: CollectorRegistry
    app_name: NotRequired[str]
    metrics_prefix: NotRequired[str]
    received_messages_size_buckets: NotRequired[Sequence[float] | None]
    custom_labels: NotRequired[Mapping[str, Label] | None]
