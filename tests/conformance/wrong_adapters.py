"""Every wrong adapter, and a conformance host for each."""

from __future__ import annotations

import wrong_lifecycle
import wrong_mounts
import wrong_setup
from reference_adapter import host_of

ADAPTERS = {
    adapter.__name__: adapter
    for topic in (wrong_lifecycle, wrong_mounts, wrong_setup)
    for adapter in topic.ADAPTERS
}
HOSTS = {name: host_of(adapter, name) for name, adapter in ADAPTERS.items()}
BREAKS = {name: adapter.breaks.split() for name, adapter in ADAPTERS.items()}

globals().update(HOSTS)
