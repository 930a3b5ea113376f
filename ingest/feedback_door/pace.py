"""May this key and this address send more in this minute? Counted in rows, so for all web processes at once.

An address that sends too much uses up its own share and not the key's, which others need too.
"""

from __future__ import annotations

import hmac
import math
from datetime import timedelta
from hashlib import sha256
from ipaddress import IPv6Address, IPv6Network, ip_address

from django.conf import settings
from django.db import connection
from django.db.models.functions import Now
from django.http import HttpRequest

from ingest.feedback_door.rows import FeedbackDoor, FeedbackPace
from ingest.models import ApiToken, Project
from ingest.problems import Problem

# A provider's customer has a whole network with this prefix length.
NETWORK_BITS = 64
PRUNED_AFTER = timedelta(minutes=10)


def take(request: HttpRequest, token: ApiToken, door: FeedbackDoor, amount: int) -> None:
    """Count `amount` statements. Raises Problem 429 when the minute's limit is used up."""
    for name, subject, most in (
        ("address", f"address {address_of(request)}", door.address_a_minute),
        ("key", f"key {token.public_id}", door.key_a_minute),
    ):
        if amount > most:
            raise Problem(
                429,
                f"One {name} may send {most} statements a minute; this request has {amount}.",
                headers={"Retry-After": "60"},
            )
        count, seconds_left = _add(subject_of(token.project, subject), amount)
        if count > most:
            raise Problem(
                429,
                f"This {name} has already sent its {most} statements for this minute. Wait {seconds_left} s.",
                headers={"Retry-After": str(seconds_left)},
            )


def _add(subject: str, amount: int) -> tuple[int, int]:
    """The subject's count with this amount, and the seconds to the next minute by the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ingest_feedbackpace (subject, minute, count) "
            "VALUES (%s, date_trunc('minute', now()), %s) "
            "ON CONFLICT (subject, minute) DO UPDATE SET count = ingest_feedbackpace.count + excluded.count "
            "RETURNING count, 60 - extract(second FROM now())",
            [subject, amount],
        )
        count, left = cursor.fetchone()
    return count, max(1, math.ceil(left))


def subject_of(project: Project, name: str) -> str:
    """A keyed hash: who stood behind an address cannot be read from the table."""
    return hmac.new(bytes(project.secret), f"feedback pace {name}".encode(), sha256).hexdigest()


def address_of(request: HttpRequest) -> str:
    """The sender's address; behind proxies of the operator's, what the outermost of them heard it from."""
    hops: int = settings.FORWARDED_FOR_HOPS
    given = str(request.META.get("REMOTE_ADDR", ""))
    if hops > 0:
        forwarded = [each.strip() for each in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
        if len(forwarded) >= hops and forwarded[-hops]:
            given = forwarded[-hops]
    try:
        address = ip_address(given.strip("[]"))
    except ValueError:
        return given[:100]
    if not isinstance(address, IPv6Address):
        return str(address)
    return str(address.ipv4_mapped or IPv6Network((address, NETWORK_BITS), strict=False))


def prune() -> None:
    """The job that forgets what no minute asks for any more."""
    FeedbackPace.objects.filter(minute__lt=Now() - PRUNED_AFTER).delete()
