"""Does the answer speak the language of the question?"""

from __future__ import annotations

import re

from ingest import wording
from ingest.languages import NAMES, language
from ingest.trace_checks.subject import Subject
from ingest.trace_checks.vocabulary import Compiled, Verdict, failed, passed

# A user who names a language, or asks for a translation, may get an answer in another one.
_ASKS_FOR_ANOTHER = re.compile(
    r"\b(?:translat\w*|übersetz\w*|tradu\w*|vertaal\w*|vertal\w*|przetłumacz\w*|tłumacz\w*|"
    r"english|german|french|spanish|italian|dutch|portuguese|polish|russian|chinese|japanese|korean|arabic|"
    r"(?:eng|deut|franzö|spani|italieni|niederländi|portugiesi|polni|russi|chinesi|japani|arabi)s?(?:li)?sch\w*|"
    r"auf (?:deutsch|englisch)|anglais\w*|allemand\w*|français\w*|espagnol\w*|italien|inglés|alemán|español|"
    r"francés|inglese|tedesco|italiano|inglês|alemão|português|engels|duits|nederlands|angielsk\w*|niemieck\w*|"
    r"polsk\w*)\b",
    re.IGNORECASE,
)
_CODE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)


def mismatch(subject: Subject, parameters: Compiled) -> Verdict | None:
    """Applies where both languages can be told, and the user did not ask for another one."""
    answered = subject.answer_language if "```" not in subject.answer else _of(subject.answer)
    if not answered:
        return None
    name = NAMES[answered]
    if answered in parameters["languages"]:
        return passed(f"The answer is in {name}, which is always allowed here.")
    asked = _of(subject.question)
    if not asked or (asked != answered and _ASKS_FOR_ANOTHER.search(subject.question[:4_000])):
        return None
    if asked == answered:
        return passed(f"Question and answer are in {name}.")
    return failed(f"The question is in {NAMES[asked]}, the answer in {name}.")


def _of(text: str) -> str:
    text = text[:4_000]
    plain = _CODE.sub(" ", text) if "```" in text else text
    return language(plain, wording.words(plain))
