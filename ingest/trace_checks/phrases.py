"""How refusals and injected instructions are worded, as patterns over text in lower case.

Every repetition is bounded, so a search is linear in the text.
"""

from __future__ import annotations

import re

_QUOTES = str.maketrans("’‘`´“”„«»\u00a0", '\'\'\'\'""""" ')


class Patterns:
    """Patterns, each with bits of text of which it needs one: those are looked for first, and quickly."""

    def __init__(self, *rows: tuple[tuple[str, ...], str]) -> None:
        self._rows = [(hints, re.compile(pattern)) for hints, pattern in rows]

    def first(self, text: str) -> str:
        """The words of the text that the first fitting pattern finds; '' if none fits."""
        said = normal(text)
        lowered = said.lower()
        for hints, pattern in self._rows:
            if any(hint in lowered for hint in hints) and (found := pattern.search(lowered)):
                # Hardly any letter is of another length in lower case.
                whole = said if len(said) == len(lowered) else lowered
                return whole[slice(*found.span())].strip()
        return ""


def normal(text: str) -> str:
    """With one kind of quotation mark and single spaces."""
    plain = text if text.isascii() else text.translate(_QUOTES)
    return " ".join(plain.split())


_HELP = (
    r"(?:help|assist|answer|comply|fulfil|fulfill|discuss|provide|share|disclose|reveal|generate|create|"
    r"write|produce|offer (?:any )?(?:advice|guidance)|give (?:you )?(?:any )?(?:advice|instructions|details)|"
    r"engag(?:e|ing)|participat(?:e|ing)|answering|discussing|helping|writing|sharing|support (?:that|this|you)|do (?:that|this)|process (?:that|this)|"
    r"continue with (?:that|this)|respond to (?:that|this)|talk about|speak to|go into|comment on|"
    r"recommend any|make (?:that|this) (?:change|decision)|tell you(?! how (?:often|much|many|happy|glad|sorry)))"
)
_NOT_ABLE = (
    r"(?:can't(?! wait)|cannot(?! wait)|can not|could not|couldn't|won't be able to|will not be able to|won't|"
    r"will not|am unable to|'m unable to|am not able to|'m not able to|must decline to|have to decline to|am not allowed to|'m not allowed to|"
    r"am not permitted to|'m not permitted to|am not comfortable|'m not comfortable|"
    r"am not in a position to|'m not in a position to|do not feel comfortable|don't feel comfortable)"
)
REFUSALS = Patterns(
    (
        ("i ", "we "),
        rf"\b(?:i|we) ?{_NOT_ABLE}(?: \w{{1,12}}){{0,2}}? {_HELP}\b(?! (?:you )?(?:more )?(?:until|unless|before))",
    ),
    (
        ("sorry", "afraid"),
        r"\bi(?:'m| am) (?:really |very |so )?(?:sorry|afraid),? (?:but )?(?:i|we|that|this) (?:can't|cannot|can not|"
        r"won't|am unable|am not able|is not something|isn't something|is outside|falls outside)\b"
        r"(?! (?:find|see|locate|reproduce|read|open|hear))",
    ),
    (
        ("as a",),
        r"\bas an? (?:ai|artificial intelligence|(?:large )?language model|virtual assistant)\b[^.!?]{0,60}?"
        r"\b(?:can't|cannot|don't|do not|am not|unable)\b",
    ),
    (
        ("that", "this", "it"),
        r"\b(?:that|this|it)(?:'s| is) (?:not something i can|something i can't|something i cannot|outside (?:of )?"
        r"(?:what i can|my (?:scope|area|capabilities|remit))|beyond (?:what i can|my (?:scope|capabilities)))",
    ),
    (
        ("i ", "we "),
        r"\b(?:i|we) (?:must|have to|need to|will have to|respectfully|politely) (?:respectfully |politely )?"
        r"(?:decline|refuse)\b",
    ),
    (
        ("i'm", "i am", "i can only"),
        r"\b(?:i(?:'m| am) (?:only|just) able to (?:help|answer|assist))|\bi can only (?:help|answer|assist)"
        r"(?: \w{1,12}){0,3}? (?:with|about|questions)\b",
    ),
    (
        ("don't have", "do not have"),
        r"\b(?:i|we) (?:don't|do not) have (?:any |enough |access to (?:any |that |this |your )?)?"
        r"(?:information|details|data|knowledge)\b(?: \w{1,12}){0,2} (?:about|on|regarding|to answer|available)",
    ),
    (("know",), r"^(?:i'm sorry, |sorry, )?(?:but )?i (?:don't|do not) know\b(?: \w{1,12}){0,4}[.!]"),
    (
        ("my ",),
        r"\bmy (?:guidelines|instructions|policies|programming|safety (?:guidelines|rules)) (?:don't|do not|prevent|"
        r"prohibit|forbid)",
    ),
    (
        ("ich ",),
        r"\b(?:kann|darf|könnte|möchte|werde) ich (?:dir|ihnen|euch|dazu|dabei|darauf|das|hier|dies|hierzu|"
        r"hierbei|damit|dafür|leider|nicht|keine?n?)\b[^.!?]{0,60}?\b(?:nicht|keine?n?|leider)\b[^.!?]{0,50}?\b(?:"
        r"helfen|weiterhelfen|unterstützen|beantworten|antworten|auskunft|angaben|informationen|teilen|nennen|"
        r"schreiben|erstellen|anleitung|geben|verraten|dienen|tun|machen|eingehen|beraten)\b",
    ),
    (
        ("ich ",),
        r"\bich (?:kann|darf|könnte|möchte|werde) (?:\w{1,12} ){0,5}?(?:nicht|keine?n?) (?:\w{1,14} ){0,4}?(?:"
        r"helfen|weiterhelfen|unterstützen|beantworten|antworten|auskunft|angaben|teilen|nennen|schreiben|"
        r"erstellen|anleitung|verraten|dienen|eingehen|beraten|erfüllen|nachkommen|sprechen)\b",
    ),
    (
        ("ich ",),
        r"\b(?:kann|darf|könnte|möchte|werde) ich (?:leider )?(?:nicht|keine?n?) (?:\w{1,14} ){0,4}?(?:helfen|"
        r"weiterhelfen|unterstützen|beantworten|antworten|auskunft|angaben|nennen|verraten|dienen|beraten)\b",
    ),
    (
        ("als ",),
        r"\bals (?:ki|künstliche intelligenz|sprachmodell|virtueller assistent|ki-\w{1,20})\b[^.!?]{0,60}?\b(?:nicht|keine?n?)\b",
    ),
    (
        ("dazu", "darüber", "hierzu"),
        r"\b(?:dazu|darüber|hierzu) (?:habe|liegen mir|kann|darf) (?:ich )?(?:leider |mir )?(?:keine|nichts)\b",
    ),
    (
        ("ich habe",),
        r"\bich habe (?:leider |dazu |hierzu |darüber ){0,2}keine (?:informationen|angaben|daten)\b",
    ),
    (("das ", "dies "), r"\b(?:das|dies) (?:liegt|ist|fällt) (?:leider )?(?:außerhalb|nicht in) mein"),
    (
        ("ablehnen",),
        r"\b(?:muss|möchte) ich (?:leider |höflich ){0,2}ablehnen\b|\bich muss (?:\w{1,12} ){0,3}ablehnen\b",
    ),
    (
        ("je ne",),
        r"\bje ne (?:peux|suis) (?:malheureusement )?pas (?:en mesure |autorisé[e]? )?(?:\w{1,6} ){0,2}?"
        r"(?:d'|de |à )?(?:vous |t'|te |l'|y )?(?:aider|répondre|fournir|partager|donner|discuter)",
    ),
    (("en tant",), r"\ben tant qu'(?:ia|intelligence artificielle|assistant)\b[^.!?]{0,50}?\bne\b"),
    (
        ("lo siento", "lamento", "no p", "no me"),
        r"\b(?:lo siento|lamento)[^.!?]{0,20}?\bno puedo\b|\bno (?:puedo|me es posible) (?:\w{1,8} ){0,2}?"
        r"(?:ayudar|ayudarte|ayudarle|responder|proporcionar|compartir|dar|facilitar)",
    ),
    (
        ("non ",),
        r"\bnon (?:posso|sono in grado di) (?:\w{1,8} ){0,2}?(?:aiutar|risponder|fornir|condivider|dare)",
    ),
    (
        ("ik kan",),
        r"\bik kan (?:\w{1,8} ){0,3}?(?:niet|geen) (?:\w{1,14} ){0,3}?(?:helpen|beantwoorden|geven|delen)",
    ),
    (("não",), r"\bnão posso (?:\w{1,8} ){0,2}?(?:ajud|respond|fornec|compartilh|partilh|dar)"),
    (
        ("nie ",),
        r"\bnie (?:mogę|jestem w stanie) (?:\w{1,8} ){0,2}?(?:pomóc|odpowiedzieć|udzielić|udostępni|podać)",
    ),
)

_RULES = (
    r"(?:instructions?|rules?|prompts?|guidelines?|directions?|commands?|context|programming|restrictions|"
    r"anweisungen|anweisung|regeln|vorgaben|instruktionen|befehle|vorschriften|richtlinien|"
    r"consignes|règles|instrucciones|reglas|istruzioni|regole|regels|instructies|instruções|regras|"
    r"instrukcje|polecenia|zasady)"
)
INJECTIONS = Patterns(
    (
        ("ignor", "disregard", "forget", "overrid", "bypass", "discard", "skip"),
        rf"\b(?:ignore|disregard|forget|override|bypass|discard|skip) (?:\w{{1,12}} ){{0,4}}?"
        rf"(?:previous|prior|above|earlier|preceding|system|your|all|any|these|those|safety|foregoing) (?:\w{{1,12}} ){{0,3}}?{_RULES}\b",
    ),
    (
        ("ignor", "disregard", "forget"),
        r"\b(?:ignore|disregard|forget) (?:everything|all|anything) (?:\w{1,12} ){0,2}?(?:above|before|prior|previously|you were told)",
    ),
    (
        ("prompt", "instruction", "system message", "rules", "guidelines"),
        r"\b(?:reveal|print|show|repeat|output|display|leak|dump|tell me|give me|write out|recite|translate) (?:\w{1,12} ){0,4}?"
        r"(?:system prompt|system message|hidden (?:prompt|instructions)|initial (?:prompt|instructions)|"
        r"your (?:instructions|prompt|rules|guidelines) (?:verbatim|word for word|above)|"
        r"(?:your|the) (?:exact|full|original|secret|internal) (?:prompt|instructions|rules))",
    ),
    (
        ("system", "initial", "hidden"),
        r"\bwhat(?:'s| is| are| does) your (?:\w{1,10} )?(?:system prompt|system message|initial instructions|hidden instructions)",
    ),
    (("repeat",), r"\brepeat (?:everything|all|the (?:words|text)) (?:\w{1,12} ){0,2}?above\b"),
    (
        ("you are",),
        r"\byou are (?:now|no longer) (?:\w{1,12} ){0,3}?(?:dan\b|jailbroken|unrestricted|unfiltered|developer mode|"
        r"in developer|free from|bound by|an? (?:unrestricted|unfiltered|evil|different) |a customer service|the admin|root\b)",
    ),
    (
        (" mode",),
        r"\b(?:enter|enable|activate|switch (?:in)?to|entering|go into) (?:\w{1,12} ){0,2}?(?:developer|debug|god|dan|jailbreak|admin|sudo|maintenance) mode\b",
    ),
    (
        ("pretend", "act ", "behave", "imagine", "roleplay"),
        r"\b(?:pretend|act|behave|imagine|roleplay)(?: \w{1,12}){0,5}? (?:no (?:restrictions|rules|filters|limits|guidelines)|"
        r"without (?:any )?(?:restrictions|rules|filters|limits|censorship)|has no (?:rules|limits))",
    ),
    (
        ("do anything now", "jailbreak", "grandma"),
        r"\bdo anything now\b|\bjailbreak(?:ed)?\b prompt|\bgrandma exploit",
    ),
    (
        ("<|", "[inst", "[/inst", "<<"),
        r"<\|(?:im_start|im_end|system|user|assistant|endoftext|eot_id)\|>|\[/?inst\]|<</?sys>>",
    ),
    (
        ("instruction", "prompt"),
        r"\b(?:begin|start|end) (?:of )?(?:new )?(?:system|admin|hidden) (?:prompt|instructions?|message)\b|"
        r"\b(?:new|updated|important) (?:system )?instructions?(?: for the (?:ai|assistant|model|chatbot|bot))? ?:",
    ),
    (
        ("note", "message", "instruction", "attention", "important"),
        r"\b(?:note|message|instruction|attention|notice|important)s? (?:to|for) (?:the |any |all )?(?:ai|assistant|llm|language model|chatbot|bot|agent)s?\b ?[:,-]",
    ),
    (
        ("the user",),
        r"\b(?:do not|don't|never) (?:tell|inform|mention (?:this|it) to|reveal (?:this|it) to|alert) the user\b",
    ),
    (
        ("reading this", "processing this", "sing this", "zing this"),
        r"\b(?:ai|assistant|chatbot|llm|model)s?,? (?:reading this|processing this|summari[sz]ing this)[^.!?]{0,40}\b(?:must|should|please|will)\b",
    ),
    (
        ("conversation", "chat history", "api key", "password", "credential"),
        r"\b(?:send|forward|post|exfiltrate|append) (?:\w{1,14} ){0,8}?(?:conversation|chat history|api key|password|credentials)s? (?:\w{1,12} ){0,2}?to (?:http|\S{1,40}@)",
    ),
    (
        ("ignor", "vergiss", "vergess", "missacht", "übergeh", "umgeh"),
        rf"\b(?:ignoriere?|ignorieren sie|vergiss|vergessen sie|missachte|missachten sie|übergehe?|umgehe) (?:\w{{1,14}} ){{0,4}}?{_RULES}\b",
    ),
    (
        ("vergiss", "ignor", "vergess"),
        r"\b(?:vergiss|ignoriere?|vergessen sie) (?:alles|bitte alles)\b[^.!?]{0,40}?\b(?:davor|bisher\w{0,3}|vorher\w{0,3}|oben|zuvor|gesagt|wurde)",
    ),
    (
        ("prompt", "anweisung", "regeln", "systemnachricht"),
        r"\b(?:zeige?|verrate?|gib|nenne|wiederhole?|drucke|übersetze?)\b (?:\w{1,12} ){0,4}?(?:system-?prompt|systemnachricht|systemanweisung\w{0,2}|"
        r"versteckten? anweisungen|interne[nr]? (?:anweisungen|regeln)|prompt)\b",
    ),
    (
        ("du bist",),
        r"\bdu bist (?:jetzt|ab jetzt|nun|nicht mehr|ab sofort) (?:\w{1,14} ){0,3}?(?:dan\b|entwicklermodus|ohne (?:regeln|filter|einschränkungen)|"
        r"uneingeschränkt|ungefiltert|administrator|an (?:regeln|vorgaben))",
    ),
    (
        ("modus",),
        r"\b(?:entwickler|admin|debug|wartungs)modus (?:\w{1,10} ){0,2}?(?:aktivier|an\b|ein\b|wechsel)|\b(?:aktiviere?|wechsle in) (?:\w{1,10} ){0,2}?(?:entwickler|admin|debug|wartungs)modus",
    ),
    (
        ("hinweis", "anweisung", "nachricht"),
        r"\b(?:hinweis|anweisung|nachricht) (?:an|für) (?:die |den |das |alle )?(?:ki|assistent\w{0,2}|sprachmodell|chatbot|bot)\b",
    ),
    (
        ("nutzer", "kund"),
        r"\b(?:sage?|verrate?|erzähle?) (?:\w{1,10} ){0,2}?(?:dem|der) (?:nutzer|benutzer|kund)\w{0,3} (?:\w{1,10} ){0,2}?(?:nicht|nichts)",
    ),
    (
        ("ignor", "oubl", "olvid", "esque", "dimentic", "negeer", "vergeet", "zapomn"),
        rf"\b(?:ignorez?|oubliez?|ignora|olvida|ignorar|esqueça|dimentica|negeer|vergeet|zignoruj|zapomnij)\b (?:\w{{1,14}} ){{0,4}}?{_RULES}",
    ),
)
# A line that poses as the system's own.
HEADINGS = re.compile(
    r"(?:^|\n)[ \t]{0,8}+(?:#{1,4}|-{3}|={3}|\*\*|\[|<)?[ \t]{0,4}(?:system|new instructions?|admin)"
    r"(?: prompt| message| override| update| instructions?)?\*{0,2}[ \t]{0,4}[:\]>]"
)
