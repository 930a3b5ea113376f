"""Which keys, tokens and passwords stand in a text? Known by their prefixes, or by what precedes them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.redaction.finding import Finding
from ingest.redaction.policy import Kind

# Known by themselves.
_ISSUED = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"ts_[0-9a-f]{16}_[0-9a-f]{64}"  # Touchstone
    r"|(?:sk|pk|rk)-(?:[a-z]{2,12}-){0,3}[A-Za-z0-9_-]{16,}"  # OpenAI, Anthropic, OpenRouter, Langfuse
    r"|(?:sk|pk|rk)_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9]{16,}"  # Stripe
    r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{22,}|gl(?:pat|ptt|rt)-[A-Za-z0-9_-]{20,}"
    r"|(?:AKIA|ASIA|AGPA|AIDA|AROA|ANPA|ANVA)[A-Z0-9]{16}(?![A-Za-z0-9])"
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-\d-[A-Za-z0-9-]{10,}"  # Slack
    r"|AIza[A-Za-z0-9_-]{30,}|ya29\.[A-Za-z0-9_-]{20,}|GOCSPX-[A-Za-z0-9_-]{20,}"  # Google
    r"|hf_[A-Za-z0-9]{20,}|gsk_[A-Za-z0-9]{20,}|r8_[A-Za-z0-9]{30,}|lsv2_(?:pt|sk)_[A-Za-z0-9_]{20,}"
    r"|npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{40,}|dop_v1_[a-f0-9]{40,}|shp(?:at|ca|pa|ss)_[a-fA-F0-9]{30,}"
    r"|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|key-[0-9a-f]{32}|AC[0-9a-f]{32}(?![0-9A-Za-z])"
    r"|eyJ[A-Za-z0-9_-]{6,2000}\.[A-Za-z0-9_-]{6,20000}\.[A-Za-z0-9_-]*"  # JSON Web Token
    r"|AGE-SECRET-KEY-1[A-Z0-9]{40,}|dapi[0-9a-f]{32}(?![0-9A-Za-z])"
    r")"
)
_PEM = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r".*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)",
    re.S,
)
# Known by what stands before them; the group is what is masked.
_AUTHORIZATION = re.compile(
    r"authorization[\"']?\s*[:=]\s*[\[\"']{0,3}(?:bearer|basic|token|digest|apikey)\s+([^\s\"'<>\]},;]{6,})",
    re.I,
)
_BEARER = re.compile(r"\bbearer[ :]{1,3}(?=[A-Za-z_.~+/=-]{0,199}\d)([A-Za-z0-9._~+/=-]{16,})", re.I)
_NAMED = re.compile(
    r"(?:api[ _-]?key|apikey|passw(?:or)?d|passwort|kennwort|passphrase|client[_-]?secret"
    r"|secret[_-]?(?:access[_-]?)?key|(?:access|refresh|auth|session|id|api)[_-]?token"
    r"|(?:private|account|encryption|signing|subscription|master|access)[_-]?key|secret"
    # The working directory has the same name.
    r"|\bpwd(?![\"']?\s{0,3}[:=]\s{0,3}[\"']?[/~.]))"
    r"[\"']?\s{0,3}(?:[:=]|=>)\s{0,3}"
    r"(?:\"([^\"\s]{4,500})\"|'([^'\s]{4,500})'|((?=[^\s\"']{0,99}\d)[^\s\"'<>\]},;(\[{]{8,500}))",
    re.I,
)
# "token" is also what a model counts: its value must look like one.
_TOKEN = re.compile(
    r"(?<![A-Za-z])token[\"']?\s{0,3}(?:[:=]|=>)\s{0,3}[\"']?"
    r"((?=[A-Za-z._~+/=-]{0,199}\d)(?=[\d._~+/=-]{0,199}[A-Za-z])[A-Za-z0-9._~+/=-]{16,})",
    re.I,
)
_COOKIE = re.compile(r"\bcookie[\"']?:\s{0,3}[\"']?([\w.-]{1,64}=[^\r\n\"'<>]{4,4000})", re.I)
# What signs an address, and addresses that are themselves a key.
_SIGNED = re.compile(
    r"(?:[?&;](?:sig|x-amz-signature)=|hooks\.slack\.com/services/)([A-Za-z0-9%+/=_-]{20,})", re.I
)
# scheme://user:password@host
_IN_ADDRESS = re.compile(r"://([^\s/:@\"'<>]{0,100}:[^\s/@\"'<>]{1,200})@")
# The name of a field whose whole value is a secret.
FIELD = re.compile(
    r"(?:^|[._\-\s])(?:authorization|x-api-key|api[_.-]?key|password|passwd|passwort|client[_-]?secret"
    r"|secret[_-]?(?:access[_-]?)?key|(?:access|refresh|auth|session|id|api)[_-]?token|private[_-]?key|secret"
    r"|passphrase|kennwort|cookie|set-cookie)\Z",
    re.I,
)
_TOKEN_FIELD = re.compile(r"(?:^|[._\-\s])token\Z", re.I)
SHORTEST = 4
# Placeholders, which are not values.
_EMPTY_WORDS = re.compile(
    r"(?:none|null|true|false|undefined|string|required|optional|hidden|redacted|changeme|\*+|x{3,}|\.{3,}|<.*|\$\{.*"
    r"|\{\{.*|%s|os\.environ.*|process\.env.*|\[.*)\Z",
    re.I | re.S,
)


def find(text: str) -> Iterator[Finding]:
    for match in _PEM.finditer(text):
        yield _whole(match)
    for match in _IN_ADDRESS.finditer(text):
        yield Finding(*match.span(1), Kind.SECRET, match[1])
    for pattern in (_AUTHORIZATION, _BEARER, _COOKIE, _SIGNED, _TOKEN):
        for match in pattern.finditer(text):
            yield Finding(*match.span(1), Kind.SECRET, match[1])
    for match in _ISSUED.finditer(text):
        yield _whole(match)
    for match in _NAMED.finditer(text):
        group = match.lastindex or 1
        if is_value(match[group]):
            yield Finding(*match.span(group), Kind.SECRET, match[group])


def is_of_secret(name: str, value: str) -> bool:
    """Whether the name of its field says that this whole value is a secret."""
    return bool(FIELD.search(name) or (_TOKEN_FIELD.search(name) and _TOKEN.fullmatch(f"token={value}")))


def is_value(text: str) -> bool:
    """Whether this could be a secret, and not a placeholder for one."""
    return len(text) >= SHORTEST and not _EMPTY_WORDS.match(text)


def _whole(match: re.Match[str]) -> Finding:
    return Finding(*match.span(), Kind.SECRET, match[0])
