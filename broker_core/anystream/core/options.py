"""Options are written once, as keys of a `TypedDict`, and checked when something is declared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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


def with_positional(
    owner: str, options: Mapping[str, Any], names: Sequence[str], values: Sequence[Any]
) -> dict[str, Any]:
    """Options, with those that were given by position.

    Args:
        owner: what is being declared, for the message.
        options: those that were given by name.
        names: which options have a position, in their order.
        values: what was given by position.

    Raises:
        OptionError: an option is given twice, or there are more values than positions.
    """
    if len(values) > len(names):
        raise OptionError(
            f"{owner}: {len(values)} options by position, but the last that has one is "
            f"'{names[-1]}', number {len(names)}: give options by name"
        )
    found = dict(zip(names, values, strict=False))
    for name in found:
        if name in options:
            raise OptionError(
                f"{owner}: the option '{name}' is given twice, by position and by name: leave one "
                "of them out"
            )
    return {**found, **options}


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
