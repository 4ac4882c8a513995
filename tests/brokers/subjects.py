"""Subjects and their patterns for hypothesis: `*` is one token, `>` the rest."""

from __future__ import annotations

from hypothesis import strategies as st

TOKENS = st.sampled_from(["a", "b", "ab", "A", "1-x"])


def concrete_subjects(root: str) -> st.SearchStrategy[str]:
    """Subjects without wildcards below a root."""
    return st.lists(TOKENS, min_size=1, max_size=4).map(lambda tokens: ".".join([root, *tokens]))


def subject_patterns(root: str) -> st.SearchStrategy[str]:
    """Subjects with wildcards below a root."""
    tokens = st.lists(TOKENS | st.just("*"), max_size=3)
    return st.tuples(tokens, st.sampled_from([(), (">",), ("*",), ("b",)])).map(
        lambda parts: ".".join([root, *parts[0], *(parts[1] or ("a",))])
    )
