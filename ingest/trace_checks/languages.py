"""In which language is a text? By its script, and by the small words that every text of a language holds."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

# The commonest function words; a word of several languages counts for each of them, and for little.
_WORDS = {
    "en": "the of and to in is that it for you was with on are be this have from or had by not but what all "
    "were we when your can said there use an each which she do how their if will up about out many then them "
    "these so some her would make like him has been please thank thanks my i'm don't where could should after "
    "any just than into they i me our he his does did why here only other more also as at within",
    "de": "der die und den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an werden aus "
    "er hat dass sie nach wird bei einer um am sind noch wie einem über einen so zum war haben nur oder aber "
    "vor zur bis mehr durch man sein wurde sei ich du wir ihr ihre ihren ihnen mein meine kann können bitte "
    "wenn was wo warum dieser diese dieses keine kein habe danke gibt schon hier jetzt unsere unser unter ihrer "
    "mir mich dich dir uns wann welche vom beim innerhalb leider gerne",
    "fr": "le la les de des du et un une en que qui est dans pour pas sur au avec il elle vous nous je ne ce "
    "se son sa ses par plus ou mais être sont cette votre vos comme tout aux bonjour merci mon ma mes si où "
    "leur on ont été avoir peut pouvez quand ces fait aussi notre très bien c'est j'ai quel quelle suis avez",
    "es": "el la los las de que y en un una por con para es no se lo del al su como más pero sus le ya o este "
    "sí porque esta entre cuando muy sin sobre también me hasta hay donde quien desde todo nos durante todos "
    "uno les ni contra otros ese eso mi usted puede puedo gracias hola está son tiene ser fue qué cómo mis tu "
    "tienes tengo estoy",
    "it": "il lo la i gli le di che e un una in per è con non si da del della dei delle al alla sono come più "
    "ma anche nel nella questo questa se o ha ho mi ci suo sua dal dalla essere stato può puoi grazie ciao "
    "quando dove perché cosa mio mia vostro nostro ai degli alle sul sulla entro abbiamo hai chi loro molto",
    "nl": "de het een en van ik te dat die in is je niet op zijn voor met als was er aan maar om hem dan zou "
    "of wat mijn men dit zo door over ze zich bij ook tot uit kan naar heb hoe heeft hebben want nog zal me zij "
    "nu ge geen omdat iets worden toch al waren veel meer doen moet u uw jouw wij ons kunt wordt bent graag "
    "binnen deze bedankt kunnen",
    "pt": "o a os as de que e do da em um uma para é com não se na no por mais dos das como mas foi ao ele ela "
    "seu sua ou ser quando muito há nos já está eu também só pelo pela até isso entre era depois sem mesmo aos "
    "ter seus quem nas me esse eles você são tem minha meu obrigado obrigada olá onde pode posso às à num uns",
    "pl": "i w na z do się nie to że jest o jak za ale po co tak od przez dla są być ma tym czy go może przy już "
    "tylko mnie pan pani jego jej ich lub oraz gdy który która które proszę dziękuję dzień dobry mam moje mój "
    "moja kiedy gdzie ten ta te nas nam tego bez pod nad przed można będzie było był była u ze jeśli",
}
NAMES = {
    "en": "English",
    "de": "German",
    "fr": "French",
    "es": "Spanish",
    "it": "Italian",
    "nl": "Dutch",
    "pt": "Portuguese",
    "pl": "Polish",
    "ru": "Cyrillic script",
    "el": "Greek",
    "ar": "Arabic script",
    "he": "Hebrew",
    "zh": "Chinese",
    "ja": "Japanese",
    "ko": "Korean",
    "th": "Thai",
    "hi": "Devanagari script",
}
# Codes of the languages told apart by words; the others are told by their script.
BY_WORDS = tuple(_WORDS)
_LANGUAGES_OF: dict[str, tuple[str, ...]] = {}
for _code, _text in _WORDS.items():
    for _word in dict.fromkeys(_text.replace("'", " ").split()):
        _LANGUAGES_OF[_word] = (*_LANGUAGES_OF.get(_word, ()), _code)
_SCRIPTS = {
    "ja": re.compile(r"[\u3040-\u30ff]"),
    "zh": re.compile(r"[\u3400-\u9fff]"),
    "ko": re.compile(r"[\uac00-\ud7af]"),
    "ru": re.compile(r"[\u0400-\u04ff]"),
    "el": re.compile(r"[\u0370-\u03ff]"),
    "he": re.compile(r"[\u0590-\u05ff]"),
    "ar": re.compile(r"[\u0600-\u06ff]"),
    "hi": re.compile(r"[\u0900-\u097f]"),
    "th": re.compile(r"[\u0e00-\u0e7f]"),
}
_OTHER_SCRIPT = re.compile(r"[\u0370-\u1fff\u3040-\ud7af]")
_LETTERS_OF_ONE = {"de": "äöüß", "pl": "ąćęłńśźż", "pt": "ãõ", "es": "ñ¿¡", "fr": "êœëîûù", "it": "ìò"}

SMALL_WORDS = frozenset(_LANGUAGES_OF)

LONGEST = 4_000
MOST_WORDS = 300
FEWEST_WORDS = 4
# The weight of small words that a language must have, and how far it must be ahead of the next.
LEAST_WEIGHT = 2.0
LEAST_LEAD = 1.35


def language(text: str, words: Sequence[str]) -> str:
    """The code of the language; '' for a text too short or too mixed to tell. `words` are its words."""
    text = text[:LONGEST]
    if script := _by_script(text):
        return script
    words = words[:MOST_WORDS]
    if len(words) < FEWEST_WORDS:
        return ""
    weights: dict[str, float] = defaultdict(float)
    for word in words:
        found = _LANGUAGES_OF.get(word)
        if found:
            for code in found:
                weights[code] += 1 / len(found)
    lowered = text.lower()
    for code, letters in _LETTERS_OF_ONE.items():
        weights[code] += min(sum(map(lowered.count, letters)), 4) * 0.4
    ranked = sorted(weights.items(), key=lambda pair: -pair[1])[:2]
    if not ranked or ranked[0][1] < LEAST_WEIGHT or ranked[0][1] < len(words) * 0.08:
        return ""
    if len(ranked) > 1 and ranked[0][1] < LEAST_LEAD * ranked[1][1]:
        return ""
    return ranked[0][0]


def _by_script(text: str) -> str:
    """The language of a script of its own, where most letters are written in it."""
    if not _OTHER_SCRIPT.search(text):
        return ""
    letters = sum(map(str.isalpha, text))
    counts = {code: len(script.findall(text)) for code, script in _SCRIPTS.items()}
    if counts["ja"] * 10 > letters and (counts["ja"] + counts["zh"]) * 2 > letters:
        return "ja"
    code, count = max(counts.items(), key=lambda pair: pair[1])
    return code if count * 2 > letters and count >= FEWEST_WORDS else ""
