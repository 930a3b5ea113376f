"""Did the application's own backend hand out this trace for feedback? Signatures over trace id and expiry.

    signature = EXPIRES + "." + hex(HMAC-SHA256(KEY, TRACE_ID + "." + EXPIRES))

EXPIRES is in whole seconds since 1970. KEY is the text that the project's admin sees; it is derived from the
project's secret, which stays here, and from a number that the admin can raise.
"""

from __future__ import annotations

import hmac
import re
import time
from hashlib import sha256

from ingest.feedback_door.rows import FeedbackDoor

_SIGNATURE = re.compile(r"([0-9]{1,12})\.([0-9a-f]{64})")


def key_of(door: FeedbackDoor) -> str:
    said = f"feedback links {door.key_number}".encode()
    return hmac.new(bytes(door.project.secret), said, sha256).hexdigest()


def sign(key: str, trace_id: str, expires: int) -> str:
    return f"{expires}.{hmac.new(key.encode(), f'{trace_id}.{expires}'.encode(), sha256).hexdigest()}"


def is_valid(signature: str, key: str, trace_id: str) -> bool:
    match = _SIGNATURE.fullmatch(signature)
    if match is None or int(match[1]) < time.time():
        return False
    return hmac.compare_digest(signature.encode(), sign(key, trace_id, int(match[1])).encode())
