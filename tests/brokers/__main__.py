"""`python -m tests.brokers` prints what each broker can do; `... write` writes the docs' tables."""

from __future__ import annotations

import sys

from tests.brokers.tables import DOCS, PAGES, capabilities, fates, verbs, written


def main(arguments: list[str]) -> int:
    if arguments == ["write"]:
        for page in PAGES:
            (DOCS / page).write_text(written(page), encoding="utf-8")
        return 0
    if arguments:
        print("usage: python -m tests.brokers [write]", file=sys.stderr)
        return 2
    for render in (capabilities, verbs, fates):
        print(render(), end="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
