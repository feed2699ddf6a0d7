"""The sidebar, as one table: what stands where, as ops staff know it."""

from __future__ import annotations

from typing import Any

# heading -> (title, icon, admin URL name)
SIDEBAR: list[tuple[str, list[tuple[str, str, str]]]] = []

UNFOLD: dict[str, Any] = {"SITE_TITLE": "Midcall", "SITE_HEADER": "Midcall"}
