"""Languages: tags as a person or a runtime writes them, and which text suits a call. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from django.conf.locale import LANG_INFO

DEFAULT = "en"
TAG_CHARACTERS = 35

# A language, then a script and a region if need be (RFC 5646, 2.1); no more is ever written for a text.
_TAG = re.compile(r"([a-z]{2,3})(?:-([a-z]{4}))?(?:-([a-z]{2}|[0-9]{3}))?", re.IGNORECASE)

# ISO 639-1: what is usually written by mistake has two letters, too ("sp" for Spanish, "jp" for Japanese).
_TWO_LETTERS = (
    "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de "
    "dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id "
    "ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu "
    "lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu "
    "rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr "
    "ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu"
)


# English names, of the languages that Django knows.
NAMES: dict[str, str] = {tag: info["name"] for tag, info in LANG_INFO.items() if "name" in info}
_BY_NAME = {name.casefold(): tag for tag, name in NAMES.items()}


class NotALanguage(ValueError):
    """The text is no language tag; the message says how one is written."""


@lru_cache(maxsize=1024)
def parse(text: str) -> str:
    """The tag as it is stored and compared, such as "es", "pt-BR" or "zh-Hant-TW" (RFC 5646, 2.1.1).

    Raises NotALanguage.
    """
    found = _TAG.fullmatch(text.strip().replace("_", "-"))
    language = found.group(1).lower() if found else ""
    if found is None or (len(language) == 2 and language not in _TWO_LETTERS):
        raise NotALanguage(
            "Write the language as a tag: en for English, es for Spanish, pt-BR for the Portuguese of Brazil."
        )
    script, region = found.group(2), found.group(3)
    return "-".join([language, *([script.title()] if script else []), *([region.upper()] if region else [])])


def called(text: str) -> str:
    """The tag of a language that goes by its English name, such as "Spanish"; else the text as it is."""
    return _BY_NAME.get(text.strip().casefold(), text)


def meant(text: str) -> str:
    """The tag of a language as a person writes it: as a tag, or by its English name. Raises NotALanguage."""
    return parse(called(text))


def name(tag: str) -> str:
    """What a person calls the language: "Spanish", "Brazilian Portuguese", "German (AT)"; else the tag."""
    known, _, rest = tag.partition("-")
    if tag.lower() in NAMES:
        return NAMES[tag.lower()]
    return f"{NAMES[known]} ({rest})" if known in NAMES else tag


def suitable(tag: str) -> Iterator[str]:
    """The tag, then each that it is a special case of: "pt-BR", "pt" (RFC 4647, 3.4, Lookup)."""
    while tag:
        yield tag
        tag = tag.rpartition("-")[0]
