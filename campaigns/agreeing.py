"""Whether a caller's words can be taken for a yes, in the languages that people are texted in. Pure.

An agent heard the words and wrote them down, in the caller's language or in its own. A yes must be found in
them and no no: to ask once too often is a question more, and to text without a yes is the harm. In a script
of which no word is known here, words without a no pass, or nobody who speaks it could ever get a text.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from sms.text import bare


def _words(*lines: str) -> set[str]:
    # As they are compared, which takes accents and vowel signs off.
    return {bare(word) for line in lines for word in line.split()}


_YES = _words(
    # English, and how agents tell of it
    "yes yeah yea yep yup yess yas ya ok okay okey okie k'ay alright sure surely certainly absolutely",
    "definitely totally fine great perfect wonderful lovely awesome cool course indeed affirmative ahead",
    "please agree agrees agreed agreeing consents consented accept accepts accepted confirm confirms",
    "confirmed approve approves approved permit permits permitted allow allows allowed willing happy glad",
    # German, Dutch, Nordic, Baltic
    "ja jawohl klar gerne gern bitte natürlich natuerlich sicher einverstanden genau graag prima akkoord",
    "zeker natuurlijk jazeker gärna javisst absolut visst selvfølgelig gjerne kyllä joo toki selvä jah",
    "palun muidugi jā lūdzu labi taip prašau gerai já auðvitað",
    # Romance
    "oui ouais volontiers accord daccord parfait sí si claro vale dale bueno perfecto acepto mándalo",
    "mándame envíame envíeme envíalo sim pode aceito envia claramente certo certamente volentieri accetto",
    "mandami da desigur sigur bine sigur trimite",
    # Slavic in Latin letters, Hungarian, Turkish, Albanian
    "tak proszę jasne pewnie oczywiście dobrze zgoda zgadzam ano jo dobře prosím souhlasím súhlasím áno",
    "naravno važi igen persze rendben kérem evet tamam tabii olur lütfen po",
    # Indonesian, Malay, Tagalog, Vietnamese, Swahili, Haitian Creole
    "iya boleh baik setuju oo opo sige vâng đồng ndiyo ndio sawa wi dakò",
    # Cyrillic, Greek
    "да ага конечно хорошо ладно давайте согласен согласна пожалуйста так звичайно добре гаразд авжеж",
    "згоден згодна разбира може важи ναι βέβαια εντάξει φυσικά ευχαρίστως συμφωνώ",
    # Hebrew, Arabic, Persian, Urdu, Hindi, Bengali
    "כן בטח בסדר בבקשה نعم أجل ايوه موافق حسنا طبعا تمام بله آره باشه جی ہاں हाँ हां जी ठीक হ্যাঁ",
)
_NO = _words(
    # English, and what a model writes that has nothing to write
    "no nope nah not never none null nil na false undefined unknown tbd nothing neither nor nobody without",
    "dont didnt doesnt wont cant isnt wasnt havent hasnt wouldnt shouldnt couldnt arent aint cannot",
    "disagree unsure unclear declined declines decline refused refuses refuse denied denies rejected",
    "rejects objects disagrees disagreed unwilling rather later maybe perhaps possibly stop unsubscribe",
    "wait unless if whether hesitant hesitates skip busy silence silent inaudible voicemail unanswered",
    "placeholder example string repeat doubt pending asked",
    # German, Dutch, Nordic, Finnish, Baltic
    "nein nicht kein keine keinen niemals nie lieber später spaeter vielleicht nee niet geen liever nooit",
    "misschien nej inte icke aldrig ikke ingen aldri kanske måske kanskje ei älä ehkä mitte nē ne nežinau",
    "nei",
    # Romance
    "non pas jamais aucun plutôt peut nunca tampoco quizá quizás não nao nem talvez mai niente nessuno",
    "forse nu niciodată",
    # Slavic in Latin letters, Hungarian, Turkish, Greek in Latin letters
    "nie nigdy nechcę nechce ni nikdy nechci možná nema nikad nem soha talán hayır değil istemiyorum belki",
    "ochi jo-jo oxi",
    # Indonesian, Tagalog, Vietnamese, Swahili
    "tidak jangan bukan belum hindi huwag không đừng hapana",
    # Cyrillic, Greek
    "нет не ни никогда лучше позже потом нельзя немає ні ніколи недей όχι μη μην δεν ποτέ",
    # Hebrew, Arabic, Persian, Urdu, Hindi, Bengali
    "לא אל אין لا ليس لن كلا نه نمی نخیر نہیں नहीं नही मत ना না",
)
# Where no space stands between words.
_YES_WITHIN = tuple(map(bare, (
    "好", "是的", "可以", "同意", "没问题", "沒問題", "当然", "當然", "はい", "お願い", "もちろん", "네",
    "예", "좋", "그래", "괜찮",
    "ได้", "ครับ", "ค่ะ", "ตกลง",
)))  # fmt: skip
_NO_WITHIN = tuple(map(bare, (
    "不", "没有", "沒有", "别", "別", "いいえ", "いや", "けっこう", "結構", "ません", "ないで", "아니",
    "싫", "안돼", "안 돼", "마세요",
    "하지 마", "ไม่",
)))  # fmt: skip
_PLAINLY_YES = re.compile(
    r"\b(no (problem|worries|doubt|trouble|objections?)|why not|not a (problem|bother)|"
    r"do(n'?t| not) see why not|do(n'?t| not) mind|would(n'?t| not) mind|"
    r"if (you (like|can|could|would|please|want|don'?t mind)|it'?s (possible|no trouble))|"
    r"(sounds|that'?s|that is|that would be) (good|right|fine|ok|okay)|good idea|that works|works for me|"
    r"(i'?d|i would|we'?d) (like|love|appreciate) (that|it|to|the|a|one)|go for it|do it|"
    r"(text|send|message|sms) (me|it|that|them|us|him|her|over)|asked (for|me to|us to|to)|"
    r"pas de (probleme|souci)s?|pourquoi pas|kein problem|warum nicht|sin problemas?|por que no|"
    r"sem problemas?|por que nao|nessun problema|perche no|geen probleem|inga problem|va bene|bien sur|"
    r"tudo bem|s'il vous plait|por favor)\b"
)
# A question is no answer, and who wants a moment has not decided.
_UNDECIDED = re.compile(
    r"\byes\b\W*(or|/)\W*\bno\b|"
    r"^\W*(what|who|whose|why|when|where|which|how|huh|pardon|sorry|hm+|um+|er+|uh+)\b|"
    r"\b(are|do|does|did|is) (you|it|this|that|they)\b.*\?|\blet me think\b|\bhold on\b|\bplease hold\b|"
    r"\b(one|a|just a) (moment|second|minute)\b|\bi guess\b\W*$|\bcall (me )?back\b|\bhang up\b"
)
# What a template leaves behind where nobody filled it.
_UNFILLED = re.compile(r"[{}<>\[\]$]")
_WORD = re.compile("(?:[^\\W_]|[\u0900-\u0dff\u0e00-\u0e7f])+")
_KNOWN_SCRIPTS = (
    "LATIN", "CYRILLIC", "GREEK", "HEBREW", "ARABIC", "DEVANAGARI", "BENGALI", "CJK", "HIRAGANA", "KATAKANA",
    "HANGUL", "THAI",
)  # fmt: skip


# Agents write the same few words down, call after call.
@lru_cache(maxsize=1024)
def agrees(words: str) -> bool:
    """Whether the words hold a yes and no no. What is unfilled, a question or a single letter is none."""
    if _UNFILLED.search(words):
        return False
    plain = bare(words).replace("’", "'").replace("n / a", "na").replace("n/a", "na")
    said = _PLAINLY_YES.sub(" yes ", plain)
    if _UNDECIDED.search(said):
        return False
    said = said.replace("'", "")
    found = set(_WORD.findall(said))
    if any(map(_is_disguised, found)) or _NO & found or any(no in said for no in _NO_WITHIN):
        return False
    if _YES & found or any(yes in said for yes in _YES_WITHIN):
        return True
    return any(_is_foreign(char) for char in said) and any(len(word) > 1 for word in found)


def _is_disguised(word: str) -> bool:
    """Whether a word borrows letters from another alphabet, so that it is not found."""
    if word.isascii():
        return False
    scripts = {unicodedata.name(char, "").partition(" ")[0] for char in word if char.isalpha()}
    return len(scripts & {"LATIN", "CYRILLIC", "GREEK"}) > 1


def _is_foreign(char: str) -> bool:
    """Whether a letter is of a script of which no word is known here."""
    return char.isalpha() and not unicodedata.name(char, "CJK").startswith(_KNOWN_SCRIPTS)
