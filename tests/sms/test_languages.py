"""Language tags: how they are stored, and which text suits a call."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms import languages


@pytest.mark.parametrize(
    ("written", "tag"),
    [
        *(("en", "en"), ("ES", "es"), ("pt-br", "pt-BR"), ("pt_BR", "pt-BR"), (" de ", "de")),
        *(("zh-hant-tw", "zh-Hant-TW"), ("es-419", "es-419"), ("fil", "fil")),
    ],
)
def test_a_tag_is_stored_in_one_way_however_it_is_written(written, tag):
    assert languages.parse(written) == tag


@pytest.mark.parametrize(
    "written",
    ["", "English", "e", "sp", "jp", "en-", "-en", "en-USA", "en--US", "en-US-x", "en US", "еn", "e\0"],
)
def test_what_is_no_tag_is_refused_and_told_how_one_is_written(written):
    with pytest.raises(languages.NotALanguage, match="es for Spanish"):
        languages.parse(written)


def test_a_tag_is_a_special_case_of_shorter_ones():
    assert list(languages.suitable("zh-Hant-TW")) == ["zh-Hant-TW", "zh-Hant", "zh"]
    assert list(languages.suitable("es")) == ["es"]
    assert list(languages.suitable("")) == []


@given(st.text())
def test_whatever_is_written_is_a_tag_or_refused(written):
    try:
        tag = languages.parse(written)
    except languages.NotALanguage:
        return
    assert languages.parse(tag) == tag
