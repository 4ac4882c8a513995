"""What a broker tells the AsyncAPI document, and Try It Out, about its declarations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from anystream.core.publisher import Publisher

if TYPE_CHECKING:
    from anystream.core.response import PublishCommand
    from anystream.core.subscriber import Subscriber


class DescribedBroker:
    """The hooks for documents; a broker overrides what its protocol has more to say about."""

    command_class: type[PublishCommand]

    def channel_addresses(self, declared: Subscriber | Publisher) -> Sequence[str]:
        """The addresses that a subscriber or publisher has in the AsyncAPI document."""
        return [declared.destination if isinstance(declared, Publisher) else declared.full_address]

    def channel_name(self, declared: Subscriber | Publisher, address: str) -> str:
        """What the name of a channel begins with in the AsyncAPI document."""
        return address

    def shown_address(self, declared: Subscriber | Publisher, address: str) -> str | None:
        """The address that AsyncAPI 3 shows for a channel; None where there is none."""
        return address

    def channel_bindings(self, declared: Subscriber | Publisher, address: str) -> Mapping[str, Any]:
        """What the AsyncAPI document says of a channel in the terms of this kind of broker.

        Args:
            declared: one of its subscribers or publishers.
            address: one of its addresses.

        Returns:
            Bindings by protocol name, as AsyncAPI 3 has them; empty where there is nothing to say.
        """
        return {}

    def operation_bindings(
        self, declared: Subscriber | Publisher, address: str
    ) -> Mapping[str, Any]:
        """The same of the receiving or sending, see `channel_bindings`."""
        return {}

    def bindings_in_26(
        self, declared: Subscriber | Publisher, address: str
    ) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Channel and operation bindings as AsyncAPI 2.6 has them, where they differ from 3."""
        bindings = self.channel_bindings(declared, address)
        return bindings, self.operation_bindings(declared, address)

    def command_to(
        self, declared: Subscriber | Publisher, address: str, body: Any
    ) -> PublishCommand:
        """A command whose message a subscriber gets, or that a publisher sends.

        Args:
            declared: the subscriber or publisher.
            address: one of its `channel_addresses`, with values for its parameters.
            body: the message.
        """
        command = self.command_class.of(body, None)
        command.destination = address
        return command
