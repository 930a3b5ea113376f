"""Replaces what a policy wants masked by placeholders, in texts, JSON values and records.

Two steps: a linear search over the whole JSON says which kinds it could hold at all, mostly none; the
finders of those kinds then look at each text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
import re2

from ingest.json_objects import Json
from ingest.records import RESPONSE_ID_ATTRIBUTES, SpanRow, canonical_json, hash_of_span
from ingest.redaction import addresses, emails, keys, numbers, phones
from ingest.redaction.finding import PLACEHOLDER, Finding, blank, placeholder, settled
from ingest.redaction.policy import NOTHING, Kind, Policy, compile_pattern
from ingest.redaction.projection import project

# (start, end, kind): what a hook of the operator's finds in a text.
Hook = Callable[[str], Iterable[tuple[int, int, str]]]
_HOOK_KIND = re.compile(r"[A-Z][A-Z0-9_]{1,39}")

# What may stand between the digits of one number: gaps, Markdown marks, escapes.
_GAP = r"[^A-Za-z0-9\n,;:\"]{0,6}(?:\\[nrtu][0-9a-f]{0,4})?"
# Two digits of another script, or as wide as a Chinese sign, also where JSON escapes them.
_FOREIGN = (
    r"(?:[\x{0660}-\x{0669}\x{06f0}-\x{06f9}\x{0966}-\x{096f}\x{09e6}-\x{09ef}\x{0e50}-\x{0e59}\x{ff10}-\x{ff19}]"
    r"|\\u(?:ff1|066|06f|096|09e|0e5)[0-9a-f]){2}"
)
# Without which a text holds nothing of a kind. Each is allowed to be found in vain, and never to miss.
_HINTS = {
    Kind.SECRET: (
        r"(?:sk|pk|rk)[-_]|ts_[0-9a-f]|gh[pousr]_|github_pat_|gl(?:pat|ptt|rt)-|A[KSGIRN][IAPDO][AV]|xox[a-z]-|xapp-"
        r"|AIza|ya29|GOCSPX|hf_|gsk_|r8_|lsv2_|npm_|pypi-|dop_v1|shp[acs]|whsec_|SG\.|key-|AC[0-9a-f]{8}|eyJ|AGE-SEC"
        r"|dapi[0-9a-f]|(?i:hooks\.slack|[?&;](?:sig|x-amz-signature)=)"
        r"|PRIVATE KEY|://[^\s/:@\"]*:[^\s/@\"]+@"
        r"|(?i:bearer|authorization)"
        r"|(?i:passw[a-z]*|kennwort|passphrase|pwd|secret|token|key|cookie)[\\\"']{0,9}\s{0,3}[:=]"
    ),
    Kind.CARD: rf"(?:[0-9]{_GAP}){{13}}|{_FOREIGN}",
    Kind.IBAN: (
        rf"(?:^|[^A-Za-z0-9]|\\[nrtbf]|(?i:iban))(?i:{'|'.join(numbers.iban_countries())})"
        r"[*`~]{0,3}[0-9][*`~]{0,3}[0-9]"
        rf"(?:[^A-Za-z0-9\n,;:\"]{{0,4}}[A-Za-z0-9]){{11}}|{_FOREIGN}"
    ),
    Kind.EMAIL: r"@|%40|\\u0040|&#64;|&#x40;|&commat;|\x{ff20}|\\uff20",
    Kind.PHONE: rf"(?:\+|00|%2[bB]|\\u002[bB]){_GAP}(?:[0-9]{_GAP}){{7}}|{_FOREIGN}",
    Kind.IP: (
        r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]|[0-9A-Fa-f]:(?::|[0-9A-Fa-f]{1,4}:)[0-9A-Fa-f:]"
        rf"|{_FOREIGN}"
    ),
}
# By what numbers of a country begin with, or as they are grouped; anything after a word like "phone".
_NATIONAL_HINTS = {
    "0": rf"(?:^|[^0-9])0{_GAP}(?:[0-9]{_GAP}){{6}}",
    "1": rf"[0-9]{{3}}{_GAP}[ .)-][^A-Za-z0-9]{{0,3}}[0-9]{{3}}{_GAP}[ .-]{_GAP}[0-9]{{4}}",
    "": rf"(?:[0-9]{_GAP}){{7}}",
}
_ANNOUNCED_PHONE = rf"(?i:{phones.CONTEXT_WORDS})[^0-9\n]{{0,24}}(?:[0-9]{_GAP}){{7}}"
# In this order they count where two find the same characters.
_ORDER = (Kind.SECRET, Kind.IBAN, Kind.CARD, Kind.EMAIL, Kind.IP, Kind.PHONE)
_FINDERS: dict[Kind, Callable[[str], Iterable[Finding]]] = {
    Kind.IBAN: numbers.ibans,
    Kind.CARD: numbers.cards,
    Kind.EMAIL: emails.find,
    Kind.IP: addresses.find,
}
# Fields that hold an id by which rows find one another: of an item, and of its parts.
IDENTIFIERS = frozenset({"id"})
PART_IDENTIFIERS = IDENTIFIERS | {"trace_id", "span_id", "parent_id", "parent_span_id", "response_id"}
# Fields that are left alone while they hold what their names say.
_OF_A_FORM = dict.fromkeys(
    ("started_at", "ended_at", "occurred_at", "timestamp", "time"),
    re.compile(r"\d{1,20}(?:\.\d{1,9})?|\d{4}-\d\d-\d\d[Tt ][\d:.,]{2,20}\s?(?:[Zz]|[+-]\d\d:?\d\d)?"),
) | {"signature": re.compile(r"\d{1,12}\.[0-9a-f]{64}")}
PARTS = frozenset({"spans", "scores", "feedback", "events"})
_LEFT_ALONE = frozenset(RESPONSE_ID_ATTRIBUTES)
_CARD_FIELD = re.compile(r"card|\bpan\b|kreditkarte", re.I)
_VERSION_FIELD = re.compile(r"version\Z", re.I)
_VERSION_CHARACTERS = 15
# Masking can expose what was glued to the masked part, so the text is searched again, a few times at most.
_ROUNDS = 8
_APART = frozenset(" \n\t\"'<>()[]{},;.")
_BEFORE_VALUE = re.compile(r'(\\*")\s*:\s*\Z')
_AFTER_VALUE = re.compile(r"\s*[,}\]]")
_BEFORE_CHARACTERS = 12
_decode = msgspec.json.decode


@dataclass(frozen=True, slots=True)
class Preview:
    """A text before and after, and what was found in it."""

    text: str
    counts: dict[str, int]


class Redactor:
    """Masks by one policy with one project's key. Holds no state of a request, so that threads share it."""

    def __init__(self, policy: Policy, key: bytes, hooks: Sequence[Hook] = ()) -> None:
        self.policy = policy
        self.key = key
        self.hooks = tuple(hooks)
        self.kinds = tuple(kind for kind in _ORDER if kind in policy.kinds)
        self.own = tuple((own.name, compile_pattern(own.name, own.pattern)) for own in policy.patterns)
        # These know no hint, so every text is looked at.
        self.always = bool(self.own or self.hooks)
        self.active = bool(self.kinds) or self.always
        self._hints = _hints(self.kinds, policy.regions)
        self._own_hints = _set([own.pattern for own in policy.patterns])

    def suspects(self, text: str | bytes) -> tuple[Kind, ...]:
        """The kinds that this text or JSON could hold."""
        if self._hints is None:
            return ()
        return tuple(self.kinds[index] for index in sorted(self._hints.Match(text) or ()))

    def text(self, text: str, masked: Counter[str], without: frozenset[Kind] = frozenset()) -> str:
        """The text with placeholders; what was masked is added to the counter."""
        for _ in range(_ROUNDS):
            kinds = tuple(kind for kind in self.suspects(text) if kind not in without)
            if not kinds and not self.always:
                return text
            findings = self._findings(text, kinds)
            changed = self._replaced(text, findings, masked)
            if all(_stands_apart(finding, text) for finding in findings):
                return changed
            text = changed
        return text

    def _replaced(self, text: str, findings: Sequence[Finding], masked: Counter[str]) -> str:
        pieces: list[str] = []
        at = 0
        for finding in findings:
            pieces.append(text[at : finding.start])
            pieces.append(_quoted(text, finding, placeholder(self.key, finding.kind, finding.value)))
            masked[finding.kind] += 1
            at = finding.end
        return "".join([*pieces, text[at:]]) if pieces else text

    def _findings(self, text: str, kinds: Sequence[Kind]) -> list[Finding]:
        projection = project(text)
        seen = projection.text
        found = (each for each in self._found(seen, kinds) if not self._allowed(each))
        return [
            Finding(*projection.span(each.start, each.end), each.kind, each.value)
            for each in settled(found, seen)
        ]

    def _found(self, text: str, kinds: Sequence[Kind]) -> Iterator[Finding]:
        """In the order in which they count: what one finder has found is blank for the next."""
        text = blank(text, [match.span() for match in PLACEHOLDER.finditer(text)] if "[" in text else ())
        for finder in self._finders(kinds):
            found = list(finder(text))
            yield from found
            text = blank(text, [(each.start, each.end) for each in found])

    def _finders(self, kinds: Sequence[Kind]) -> Iterator[Callable[[str], Iterable[Finding]]]:
        if Kind.SECRET in kinds:
            yield keys.find
        if self.own:
            yield self._find_own
        for kind in kinds:
            if kind is Kind.PHONE:
                yield partial(phones.find, regions=self.policy.regions)
            elif kind in _FINDERS:
                yield _FINDERS[kind]
        for hook in self.hooks:
            yield partial(_of_hook, hook)

    def _find_own(self, text: str) -> Iterator[Finding]:
        for index in sorted(self._own_hints.Match(text) or ()):
            name, pattern = self.own[index]
            for match in pattern.finditer(text):
                yield Finding(match.start(), match.end(), name.lower(), match.group())

    def _allowed(self, finding: Finding) -> bool:
        allowed = self.policy.allowed
        if not allowed:
            return False
        value = finding.value.lower()
        return value in allowed or (finding.kind == Kind.EMAIL and value[value.rfind("@") :] in allowed)

    def value(self, value: Any, masked: Counter[str], name: str = "") -> Any:
        """A JSON value with its texts and the names of its fields masked; numbers stay, ids stay."""
        match value:
            case str():
                if name and Kind.SECRET in self.kinds and keys.is_of_secret(name, value):
                    return self._secret(value, masked)
                return self.text(value, masked, _unlikely(name, value))
            case dict():
                return {
                    self.text(key, masked): each if key in _LEFT_ALONE else self.value(each, masked, key)
                    for key, each in value.items()
                }
            case list():
                return [self.value(each, masked, name) for each in value]
            case int() if value >= 10**12 and name and Kind.CARD in self.kinds and _CARD_FIELD.search(name):
                return self.text(str(value), masked) if numbers.is_card(str(value)) else value
        return value

    def _secret(self, value: str, masked: Counter[str]) -> str:
        """The whole of a field whose name says that it is a secret."""
        changed = self.text(value, masked)
        if changed != value or not keys.is_value(value) or value.lower() in self.policy.allowed:
            return changed
        masked[Kind.SECRET] += 1
        return placeholder(self.key, Kind.SECRET, value)

    def attributes(self, attributes: Json, masked: Counter[str]) -> Json:
        """The same, where most hold nothing: found out over all of them at once."""
        if (
            not attributes
            or not self.active
            or not (self.always or self.suspects(canonical_json(attributes)))
        ):
            return attributes
        changed: Json = self.value(attributes, masked)
        return changed

    def item(self, item: Any, masked: Counter[str]) -> Any:
        """A body of the native API. The ids of it and of its parts stay, else nothing would find them."""
        if not self.active or not (self.always or self.suspects(canonical_json(item))):
            return item
        return self._item(item, masked)

    def _item(self, item: Any, masked: Counter[str], identifiers: frozenset[str] = IDENTIFIERS) -> Any:
        if not isinstance(item, dict):
            return self.value(item, masked)
        return {
            self.text(name, masked): value
            if name in identifiers and not isinstance(value, dict | list)
            else self._field(name, value, masked)
            for name, value in item.items()
        }

    def _field(self, name: str, value: Any, masked: Counter[str]) -> Any:
        if name in PARTS and isinstance(value, list):
            return [self._item(each, masked, PART_IDENTIFIERS) for each in value]
        if name in _OF_A_FORM and isinstance(value, str) and _OF_A_FORM[name].fullmatch(value):
            return value
        if name == "target" and isinstance(value, dict):
            return value | self._external(value.get("external"), masked)
        return self.value(value, masked, name)

    def _external(self, external: Any, masked: Counter[str]) -> Json:
        """A foreign id is looked for among a trace's tags, which are masked."""
        if not isinstance(external, dict) or not isinstance(external.get("id"), str):
            return {}
        return {"external": external | {"id": self.text(external["id"], masked)}}

    def row(self, row: SpanRow, masked: Counter[str]) -> SpanRow:
        """An encoded span. Its resource is masked before, once for all spans of it."""
        if not self.active:
            return row
        changed: dict[str, Any] = {}
        for column in ("attributes", "events"):
            encoded: str = getattr(row, column)
            if len(encoded) > 2 and (self.always or self.suspects(encoded)):
                value = self.value(_decode(encoded), masked)
                changed[column] = canonical_json(value).decode()
        for column in ("name", "error", "scope"):
            if given := getattr(row, column):
                changed[column] = self.text(given, masked)
        if all(getattr(row, column) == value for column, value in changed.items()):
            return row
        row = row._replace(**changed)
        return row._replace(sha256=hash_of_span(row))

    def preview(self, text: str) -> Preview:
        masked: Counter[str] = Counter()
        return Preview(self.text(text, masked), dict(masked))


def _hints(kinds: Sequence[Kind], regions: Sequence[str]) -> Any:
    if not kinds:
        return None
    return _set([_phone_hint(regions) if kind is Kind.PHONE else _HINTS[kind] for kind in kinds])


def _set(patterns: Sequence[str]) -> Any:
    """Says in one pass over a text which of the patterns it holds."""
    found = re2.Set.SearchSet()
    for pattern in patterns:
        found.Add(pattern)
    found.Compile()
    return found


def _quoted(text: str, finding: Finding, put: str) -> str:
    """In quotes like its name's, where a number without any was the value of a field: JSON stays JSON."""
    if not text[finding.start].isdigit() or not _AFTER_VALUE.match(text, finding.end):
        return put
    before = _BEFORE_VALUE.search(text, max(0, finding.start - _BEFORE_CHARACTERS), finding.start)
    return f"{before[1]}{put}{before[1]}" if before else put


def _stands_apart(finding: Finding, text: str) -> bool:
    before, after = text[finding.start - 1 : finding.start], text[finding.end : finding.end + 1]
    return (not before or before in _APART) and (not after or after in _APART)


def _phone_hint(regions: Sequence[str]) -> str:
    prefixes = {phones.trunk_prefix(region) for region in regions}
    national = [_NATIONAL_HINTS.get(prefix, _NATIONAL_HINTS[""]) for prefix in sorted(prefixes)]
    return "|".join([_HINTS[Kind.PHONE], *national, *([_ANNOUNCED_PHONE] if regions else [])])


def _of_hook(hook: Hook, text: str) -> Iterator[Finding]:
    for start, end, kind in hook(text):
        name = kind.upper()
        if 0 <= start < end <= len(text) and _HOOK_KIND.fullmatch(name):
            yield Finding(start, end, name.lower(), text[start:end])


def _unlikely(name: str, value: str) -> frozenset[Kind]:
    """1.2.3.4 as the whole of a field `…version` is no address."""
    if name and len(value) <= _VERSION_CHARACTERS and _VERSION_FIELD.search(name):
        return frozenset({Kind.IP})
    return frozenset()


OFF = Redactor(NOTHING, b"")
