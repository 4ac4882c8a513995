"""Injection for plain functions."""

from __future__ import annotations

from fast_depends import inject as apply_types

__all__ = ("apply_types",)
