"""What is a yes, and what is none: in many languages, and from models that have none to report."""

from __future__ import annotations

import pytest

from campaigns.agreeing import agrees

YES = [
    "Yes", "yes please", "Yeah, sure.", "Ok", "OK!", "okay go ahead", "Sure, text me", "Of course",
    "Absolutely", "That works", "Sounds good", "No problem", "Why not?", "I don't mind at all",
    "Not a problem, send it over", "I'd like that", "please do", "Text me the link",
    "Can you text me the address?", "Send it to this number", "The caller agreed to receive the text.",
    "Caller confirmed", "She said it is fine to text her", "Yes, if you don't mind", "Yes, no worries",
    "Alright then", "The caller asked me to text the directions", "Ja, gerne", "Klar!",
    "Ja bitte, kein Problem", "Oui, volontiers", "D'accord", "Bien sûr", "Pas de problème", "Sí, claro",
    "Sí por favor", "Vale", "Sim, pode mandar", "Tudo bem", "Sì, certo", "Va bene", "Ja, graag", "Ja tack",
    "Ja, gjerne", "Kyllä kiitos", "Tak, proszę", "Ano, prosím", "Igen, kérem", "Evet, lütfen", "Da, sigur",
    "Да, конечно", "Так, будь ласка", "Ναι, βέβαια", "כן, בבקשה", "نعم", "بله", "हाँ, ठीक है", "好的",
    "可以", "はい、お願いします", "네, 좋아요", "ได้ครับ", "Vâng", "Ndiyo", "Iya, boleh", "დიახ, გთხოვთ",
    "այո",
]  # fmt: skip

NONE = [
    "", " ", ".", "?", "y", "x", "-", "n/a", "N / A", "none", "null", "undefined", "unknown", "TBD", "true",
    "false", "string", "example", "placeholder", "consent", "text message", "the caller's words", "caller",
    "user", "test", "{{consent}}", "<consent>", "[yes]", "${consent}", "yes/no", "Yes or no", "No",
    "no thanks", "No, thank you", "nope", "not now", "Not really", "I'd rather not", "maybe later", "Maybe",
    "perhaps", "I don't think so", "don't text me", "Please don't", "never", "Stop", "unsubscribe",
    "let me think about it", "hold on", "one moment", "Hmm", "What?", "who is this", "Why do you need that",
    "How much does it cost?", "Are you sure?", "Do you promise it is fine?", "wait", "I guess",
    "yes, but not today", "Sure, but don't text me", "I disagree", "only if it is free",
    "Yes, unless it costs money", "The caller did not answer", "The caller declined", "no response",
    "silence", "unable to ask", "The caller was not asked", "call me back", "Please repeat that",
    "Please hold", "Good evening", "Hello", "1", "42", "👍🏻?", "…", "\u200b", "ye\u200bs, n\u200bo",
    "Ｎｏ", "ＮＯ thanks", "Nо thanks, yes", "Nein", "nein danke", "lieber nicht", "später vielleicht",
    "Non merci", "pas maintenant", "No, gracias", "Não, obrigado", "talvez", "No, grazie", "forse",
    "Nee, bedankt", "liever niet", "Nej tack", "Nei takk", "Ei kiitos", "Nie, dziękuję", "Ne, děkuji",
    "Nem, köszönöm", "Hayır", "Nu, mulțumesc", "Нет, спасибо", "не надо", "Ні, дякую", "Όχι", "לא תודה",
    "لا شكرا", "نه", "नहीं", "不用", "不好", "いいえ", "結構です", "아니요", "ไม่", "Không", "Hapana",
    "Tidak",
]  # fmt: skip


@pytest.mark.parametrize("words", YES)
def test_is_a_yes(words):
    assert agrees(words)


@pytest.mark.parametrize("words", NONE)
def test_is_none(words):
    assert not agrees(words)
