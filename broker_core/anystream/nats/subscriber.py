"""A declared subscriber of NATS."""

from __future__ import annotations

from anystream.core.subscriber import Subscriber


class NatsSubscriber(Subscriber):
    """Reads one subject, stream or bucket; see `Subscriber`."""

    takes_exceptions = True

    @property
    def subject(self) -> str:
        """The subject with the prefixes of its routers, as declared: `{name}` parts stay."""
        return self.full_address if self.address else ""

    @property
    def queue(self) -> str:
        """The queue group, empty for none."""
        queue: str = self.source.queue
        return queue
