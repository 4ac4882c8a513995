"""Options are written once, as keys of a `TypedDict`, and checked when something is declared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from anystream.core.exceptions import OptionError


def check_options(owner: str, given: Mapping[str, Any], schema: Any) -> None:
    """Refuses options that a `TypedDict` does not have.

    Args:
        owner: what is being declared, for the message.
        given: the options by name.
        schema: the `TypedDict` class.

    Raises:
        OptionError: an unknown name; the message says the nearest right one.
    """
    if not given:
        return
    known = schema.__required_keys__ | schema.__optional_keys__
    for name in given:
        if name not in known:
            raise OptionError(unknown_option(owner, name, known))


def chosen_options(given: Mapping[str, Any], schema: Any) -> dict[str, Any]:
    """Those of some options that a `TypedDict` has.

    Args:
        given: the options by name.
        schema: the `TypedDict` class.
    """
    known = schema.__required_keys__ | schema.__optional_keys__
    return {name: value for name, value in given.items() if name in known}


def unknown_option(owner: str, name: str, known: Iterable[str]) -> str:
    """The message for an option that does not exist."""
    from difflib import get_close_matches  # needed for a mistake only, and slow to import

    near = get_close_matches(name, list(known), n=1)
    hint = f", did you mean '{near[0]}'?" if near else f"; it takes: {', '.join(sorted(known))}"
    return f"{owner}: unknown option '{name}'{hint}"
