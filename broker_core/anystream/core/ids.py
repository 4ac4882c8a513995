"""Correlation ids: unique strings in the shape of a version 4 UUID, without a system call."""

from __future__ import annotations

import os
import secrets
from itertools import count

_tail = ""
_next = count().__next__


def _seed() -> None:
    global _tail, _next
    _tail = (
        f"-4{secrets.randbits(12):03x}-{0x8000 | secrets.randbits(14):04x}-"
        f"{secrets.randbits(48):012x}"
    )
    _next = count(secrets.randbits(44)).__next__


_seed()
if hasattr(os, "register_at_fork"):  # a forked worker must not repeat its parent's ids
    os.register_at_fork(after_in_child=_seed)


def gen_cor_id() -> str:
    """Returns a new id: a counter with a random start, and 74 random bits of the process.

    The counter's changing end comes first, so that ids differ in the part that logs show.
    """
    number = _next()
    return f"{number & 0xFFFFFFFF:08x}-{number >> 32 & 0xFFFF:04x}{_tail}"
