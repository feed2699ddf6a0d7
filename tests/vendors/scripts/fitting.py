"""Whether the types of a vendor take what Midcall hands out, down to the last field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, TypeAdapter


def fits(type_: Any, value: dict[str, Any]) -> None:
    """Raise if a type does not take a value, or only by leaving something out."""
    taken = TypeAdapter(type_).validate_python(value)
    written = plain(taken)
    assert written == value, f"of {value} only {written} is known"


def plain(value: Any) -> Any:
    """A value as it goes over the wire, without what a model has kept though its type does not know it."""
    if isinstance(value, BaseModel):
        assert not value.model_extra, f"{type(value).__name__} does not know {sorted(value.model_extra)}"
        names = {field: info.alias or field for field, info in type(value).model_fields.items()}
        return {names[field]: plain(getattr(value, field)) for field in value.model_fields_set}
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, (list, tuple, Iterator)) else value
