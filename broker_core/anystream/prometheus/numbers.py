"""Metrics whose numbers are plain Python numbers until they are collected.

The client's own metrics take a lock for every number and go through the buckets of a histogram one
by one: two thirds of what counting a message costs. These are what the client calls a custom
collector: the same names, types and samples, made when they are scraped. They are for one process;
where several share their numbers in files (`PROMETHEUS_MULTIPROC_DIR`), the client's own are used.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from math import inf
from time import time
from typing import Any, Generic, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

_in_text: Callable[[float], str] = floatToGoString

Samples = Iterable[tuple[str, dict[str, str], float]]


class Number:
    """The value of a counter or a gauge."""

    __slots__ = ("created", "value")

    def __init__(self) -> None:
        self.created = time()
        self.value = 0.0

    def inc(self, amount: float = 1) -> None:
        """Adds an amount."""
        self.value += amount

    def dec(self, amount: float = 1) -> None:
        """Takes an amount off."""
        self.value -= amount


class Buckets:
    """The values of a histogram.

    Args:
        bounds: upper bounds of the buckets, infinity the last.
    """

    __slots__ = ("bounds", "counts", "created", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.created = time()
        self.bounds = bounds
        self.counts = [0] * len(bounds)
        self.total = 0.0

    def observe(self, amount: float) -> None:
        """Counts an amount."""
        self.total += amount
        self.counts[bisect_left(self.bounds, amount)] += 1


Child = TypeVar("Child", Number, Buckets)


class _Metric(Collector, Generic[Child]):
    """A metric with labels.

    Args:
        like: the client's metric of this name, not registered; it has checked names and buckets.
        labels: names of the labels.
        registry: where this one is registered.

    Raises:
        ValueError: the registry has a metric of this name.
    """

    def __init__(
        self, like: Counter | Gauge | Histogram, labels: Sequence[str], registry: CollectorRegistry
    ) -> None:
        self._like = like
        self._labels = tuple(labels)
        self._children: dict[tuple[str, ...], Child] = {}
        registry.register(self)

    def new(self) -> Child:
        """The values of other labels."""
        raise NotImplementedError

    def samples(self, child: Child) -> Samples:
        """What is said of some labels: ends of names, further labels, values."""
        raise NotImplementedError

    def labels(self, *values: str) -> Child:
        """The values of some labels; the same ones each time."""
        known = self._children.get(values)
        return known if known is not None else self._children.setdefault(values, self.new())

    def describe(self) -> Iterable[Metric]:
        """Name and type, as the registry wants to know them."""
        return self._like.describe()

    def collect(self) -> Iterable[Metric]:
        """All samples, as of now."""
        (metric,) = self._like.describe()
        created = metric.type != "gauge" and _wants_created()
        for values, child in list(self._children.items()):
            labels = dict(zip(self._labels, values, strict=True))
            for end, further, value in self.samples(child):
                metric.add_sample(metric.name + end, {**further, **labels}, value)
            if created:
                metric.add_sample(f"{metric.name}_created", labels, child.created)
        return [metric]


class Numbers(_Metric[Number]):
    """A counter or a gauge."""

    def new(self) -> Number:
        """Zero."""
        return Number()

    def samples(self, child: Number) -> Samples:
        """The value."""
        return [("" if isinstance(self._like, Gauge) else "_total", {}, child.value)]


class Distribution(_Metric[Buckets]):
    """A histogram.

    Args:
        like, labels, registry: see `_Metric`.
        bounds: upper bounds of the buckets, ascending.
    """

    def __init__(
        self,
        like: Histogram,
        labels: Sequence[str],
        registry: CollectorRegistry,
        bounds: Sequence[float],
    ) -> None:
        numbers = tuple(map(float, bounds))
        self._bounds = numbers if numbers[-1] == inf else (*numbers, inf)
        super().__init__(like, labels, registry)

    def new(self) -> Buckets:
        """Empty ones."""
        return Buckets(self._bounds)

    def samples(self, child: Buckets) -> Samples:
        """How many are up to each bound, how many there are, and their sum."""
        found: list[tuple[str, dict[str, str], float]] = []
        count = 0
        for bound, number in zip(self._bounds, child.counts, strict=True):
            count += number
            found.append(("_bucket", {"le": _in_text(bound)}, float(count)))
        found.append(("_count", {}, float(count)))
        if self._bounds[0] >= 0:  # the sum of negative amounts is no counter
            found.append(("_sum", {}, child.total))
        return found


def _wants_created() -> bool:
    """Whether samples of when a metric was made are wanted, which the client is told."""
    samples: list[Any] = next(iter(Counter("probe", "probe", registry=None).collect())).samples
    return any(sample.name.endswith("_created") for sample in samples)
