"""The published tables: what each broker can do, and what becomes of a message."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from anystream.core import AckPolicy
from tests.brokers.harness import CLOSED_IN_TEST_MODE, Can, Harness
from tests.brokers.outcomes import OUTCOMES, POLICIES, VERBS, told
from tests.brokers.registry import harness_names, load

DOCS = Path(__file__).resolve().parents[2] / "docs"
BEGIN = "<!-- from the broker suite: {name}; written by `python -m tests.brokers write` -->"
END = "<!-- end of what the broker suite wrote -->"
TITLES = {
    "memory": "memory",
    "nats": "NATS",
    "redis": "Redis",
    "rabbit": "RabbitMQ",
    "kafka": "Kafka",
    "confluent": "Confluent",
}


def harnesses() -> list[Harness]:
    """All of them; one that cannot be imported is an error here."""
    found = []
    for name in harness_names():
        harness = load(name)
        if isinstance(harness, Exception):
            raise harness
        found.append(harness)
    return found


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def ability(harness: Harness, can: Can) -> str:
    """`yes`, `no`, or the kinds that can."""
    able = [kind for kind in harness.kinds if harness.why_closed(can, "server", kind) is None]
    if len(able) == len(harness.kinds):
        return "yes"
    return ", ".join(able) if able else "no"


def capabilities() -> str:
    """Behaviour × broker, and why something is closed."""
    all_of_them = harnesses()
    head = ["", *(TITLES[harness.name] for harness in all_of_them)]
    rows = [[can.value, *(ability(harness, can) for harness in all_of_them)] for can in Can]
    reasons = [
        f"- **{TITLES[harness.name]}**: {can.value}: {reason}."
        for harness in all_of_them
        for can, reason in closed_reasons(harness)
    ]
    return "\n".join([table(head, rows), "", "Why not:", "", *reasons])


def closed_reasons(harness: Harness) -> Iterator[tuple[Can, str]]:
    """What is closed, for the broker or for some of its kinds, with the reason."""
    yield from harness.closed.items()
    for kind, closed in harness.closed_kinds.items():
        for can, reason in closed.items():
            yield can, f"{reason} (`{kind}`)"


def test_mode() -> str:
    """What test brokers do differently."""
    lines = [f"- {can.value}: {reason}." for can, reason in CLOSED_IN_TEST_MODE.items()]
    for harness in harnesses():
        for can, reason in harness.closed_in_test_mode.items():
            lines.append(f"- **{TITLES[harness.name]}** alone: {can.value}: {reason}.")
    return "\n".join(lines)


def settling() -> Iterator[tuple[str, Harness, str]]:
    """Title, harness and kind of everything that acknowledges; kinds of one fate together."""
    for harness in harnesses():
        by_fate: dict[tuple[str, ...], list[str]] = {}
        for kind in harness.settling:
            fates = tuple(harness.fate(verb, kind).value for verb in VERBS)
            by_fate.setdefault(fates, []).append(kind)
        for kinds in by_fate.values():
            title = TITLES[harness.name]
            if set(kinds) != set(harness.kinds):
                title += f" ({', '.join(kinds)})"
            yield title, harness, kinds[0]


def verbs() -> str:
    """What each broker does when it is told something, in words."""
    rows = [
        [title, *(harness.words(verb, kind) for verb in VERBS)]
        for title, harness, kind in settling()
    ]
    return table(["", "ack", "nack", "reject", "nothing told"], rows)


def fates() -> str:
    """Policy × outcome for each broker."""
    parts = []
    for title, harness, kind in settling():
        default = harness.broker_class.default_ack_policy
        rows = [
            [
                f"`{policy.name}`" + (" (default)" if policy is default else ""),
                *(harness.fate(told(policy, outcome), kind).value for outcome in OUTCOMES),
            ]
            for policy in POLICIES
        ]
        head = ["", *(name if " " in name or name.islower() else f"`{name}`" for name in OUTCOMES)]
        parts.append(f"**{title}**\n\n{table(head, rows)}")
    return "\n\n".join(parts)


def policies() -> str:
    """What the server is told, by policy and outcome: the same for every broker."""
    head = [
        "policy",
        *(f"`{name}`" if name[0].isupper() or "." in name else name for name in OUTCOMES),
    ]
    rows = [
        [f"`{policy.name}`", *(told(policy, outcome) for outcome in OUTCOMES)]
        for policy in POLICIES
    ]
    return table(head, rows)


def default_policies() -> str:
    """The default policy of each broker."""
    rows = [
        [TITLES[harness.name], f"`{AckPolicy(harness.broker_class.default_ack_policy).name}`"]
        for harness in harnesses()
    ]
    return table(["", "default policy"], rows)


PAGES = {
    "brokers.md": {"capabilities": capabilities, "test mode": test_mode},
    "acknowledgement.md": {"policies": policies, "verbs": verbs, "fates": fates},
}


def written(page: str) -> str:
    """A page with its tables as they should be."""
    text = (DOCS / page).read_text(encoding="utf-8")
    for name, render in PAGES[page].items():
        begin = BEGIN.format(name=name)
        before, found, rest = text.partition(begin)
        if not found:
            raise ValueError(f"docs/{page} has no place for {name!r}: {begin}")
        text = f"{before}{begin}\n\n{render()}\n\n{END}{rest.partition(END)[2]}"
    return text
