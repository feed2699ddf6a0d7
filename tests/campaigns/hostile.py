"""What may come to a door: any JSON, and an envelope in which anything stands in one place."""

from __future__ import annotations

import json
import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.factories import CALLER

# In place of a value: without it.
DROPPED = object()

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["\ud800", "\0", "{{x}}", CALLER, "confirmation", "outbound", "9" * 5000]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def places(value, path=()):
    """Every place in an envelope."""
    if path:
        yield path
    if isinstance(value, dict):
        for name in value:
            yield from places(value[name], (*path, name))
    elif isinstance(value, list):
        for index in range(len(value)):
            yield from places(value[index], (*path, index))


def with_changed(envelope, path, value):
    changed = json.loads(json.dumps(envelope))
    found = changed
    for step in path[:-1]:
        found = found[step]
    if value is DROPPED:
        del found[path[-1]]
    else:
        found[path[-1]] = value
    return changed


def some(examples: int) -> settings:
    """So many examples, or FUZZ times as many (`make fuzz`)."""
    return settings(
        max_examples=examples * int(os.environ.get("FUZZ", "1")),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
        database=None,
    )
