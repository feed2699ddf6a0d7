"""Build in files: what is read and written, what an import would change, and doing so.

`document` is what a file says; `yamls` and `sheet` read and write texts; `midcall`, `adk` and `tokens` know
the formats. `schema` names what is exchanged of each kind of thing; `plan` is what an import comes to, and
`importing` carries it out with its `candidates`; `exporting` gathers what goes into a file; `pages` are the
pages.
"""

from __future__ import annotations

from builder.exchange import adk, midcall, sheet
from builder.exchange.document import Document, Unreadable, decoded
from builder.exchange.schema import settle
from builder.exchange.yamls import Mapping, documents


def read(data: bytes) -> Document:
    """What a file says, in whichever of the formats. Raises Unreadable."""
    text = decoded(data)
    document = sheet.read(text) if sheet.is_sheet(text) else _yaml(text)
    for entry in document.entries:
        settle(entry)
    return document


def _yaml(text: str) -> Document:
    roots = documents(text)
    root = roots[0] if roots else None
    if isinstance(root, Mapping):
        if len(roots) == 1 and midcall.MARK in root.pairs:
            return midcall.read(root)
        if len(roots) == 1 and adk.MARK in root.pairs:
            return adk.read_templates(root)
        if len(root.pairs.keys() & adk.TOPIC_KEYS.keys()) > 1:
            return adk.read_topics(roots)
    raise Unreadable(
        f"This is no file that Midcall reads. It reads its own YAML (it begins with “{midcall.MARK}: "
        f"{midcall.VERSION}”), PolyAI's sms_templates.yaml and topics, and topics as CSV (the first line "
        f"names the columns: {', '.join(sheet.COLUMNS)}).",
        1,
    )
