"""Who and what does free metadata name: a session, a user, a prompt? Senders spell these in their own way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ingest.json_objects import Json
from ingest.otlp.facts import Facts
from ingest.otlp.payloads import opened
from ingest.otlp.values import mapping, text

# Field of the facts -> spellings, in lower case and without separators.
_SPELLINGS = {
    "session_id": ("sessionid", "session"),
    "conversation_id": ("conversationid", "threadid", "chatid"),
    "user_id": ("userid", "user", "enduserid", "enduser"),
    "prompt_name": ("promptname",),
    "prompt_version": ("promptversion",),
    "route": ("route",),
    "environment": ("environment", "env"),
}
_SEPARATORS = str.maketrans("", "", "_-. ")


def read(metadata: Any) -> Facts:
    """The facts that metadata names, and all of its plain values as tags."""
    values = {key: opened(value) for key, value in mapping(metadata).items()}
    plain = {
        key: value for key, value in values.items() if isinstance(value, str | int | float) and value != ""
    }
    spelled = {key.lower().translate(_SEPARATORS): text(value) for key, value in plain.items()}
    found = {
        name: next((spelled[word] for word in words if spelled.get(word)), "")
        for name, words in _SPELLINGS.items()
    }
    facts = Facts(tags=plain)
    for name, said in found.items():
        setattr(facts, name, said)
    return facts


def under(attributes: Mapping[str, Any], *prefixes: str) -> Json:
    """The attributes below prefixes, by the rest of their names; an earlier prefix counts first."""
    found: Json = {}
    for key, value in attributes.items():
        for prefix in prefixes:
            if key.startswith(prefix):
                found.setdefault(key[len(prefix) :], value)
    return found
