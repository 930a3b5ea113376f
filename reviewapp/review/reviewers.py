"""Who reviews, and how fast: people of the project, and the tokens that review as themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction

from ingest.models import ApiToken, Project
from reviewapp.models import Membership, Role, User
from reviewapp.review.models import ServiceReviewer
from reviewapp.review.models.queues import TOLD_AFTER

_of_token: dict[int, User] = {}


def of_token(token: ApiToken) -> User:
    """The token's own service reviewer, made on first use."""
    return _known(token.pk) or _make(token)


def is_known(token: ApiToken) -> bool:
    """Whether the token has reviewed as itself, in this process."""
    return token.pk in _of_token


def _known(token_id: int) -> User | None:
    """Read once a process: a token's reviewer never changes."""
    if token_id not in _of_token:
        found = ServiceReviewer.objects.filter(token=token_id).select_related("user").first()
        if found is None:
            return None
        _of_token[token_id] = found.user
    return _of_token[token_id]


def _make(token: ApiToken) -> User:
    name = f"token-{token.public_id}"
    try:
        with transaction.atomic():
            user = User(username=name, first_name=token.name[:150], is_active=False)
            user.set_unusable_password()
            user.save()
            ServiceReviewer.objects.create(token=token, user=user)
    except IntegrityError:
        return ServiceReviewer.objects.select_related("user").get(token=token).user
    return user


def named(project: Project, username: str) -> User | None:
    """A member of the project with the role of reviewer, for `as_reviewer`."""
    if "\0" in username:
        return None
    members = Membership.objects.filter(project=project, user__username=username, role=Role.REVIEWER)
    found = members.select_related("user").first()
    return found.user if found and found.user.is_active else None


@dataclass(frozen=True, slots=True)
class Pace:
    """What one reviewer did. `median_seconds` from claim to submit; null where nothing was submitted."""

    user_id: int
    username: str
    name: str
    is_service: bool
    labels: int
    fails: int
    passes: int
    unsure: int
    skipped: int
    held: int
    undone: int
    median_seconds: float | None
    last_at: datetime | None
    # Agreement with what the items came to, where others or a lead had a say.
    agreed: int
    comparable: int
    # Of hidden known items and of repeats of own answers: how many, and how many were answered alike.
    known: int
    known_right: int
    repeats: int
    repeats_same: int
    # Of answers that a lead decided on, how many there were and how many were right.
    decided: int
    decided_right: int

    @property
    def tested(self) -> int:
        """Answers compared with a lead's decision or a hidden known item."""
        return self.decided + self.known

    @property
    def right(self) -> int:
        return self.decided_right + self.known_right


def paces(
    project: Project, days: int = 30, reviewer: User | None = None, *, told: bool = False
) -> list[Pace]:
    """Of everyone who reviewed in this time, the busiest first.

    With `told` they are as reviewers see themselves: agreement counts only what each of them may know
    (Assignment.told), and the pace only what was not said in their name by a token.
    """
    return paces_by_span(project, [days], reviewer, told=told)[days]


def paces_by_span(
    project: Project, spans: Sequence[int], reviewer: User | None = None, *, told: bool = False
) -> dict[int, list[Pace]]:
    """The same for each of several numbers of days back from now, in one query."""
    values: dict[str, Any] = {
        "project": project.pk,
        "spans": list(spans),
        "longest": max(spans),
        "reviewer": reviewer.pk if reviewer else None,
        "told": told,
        "told_after": TOLD_AFTER,
    }
    found: dict[int, list[Pace]] = {days: [] for days in spans}
    with connection.cursor() as cursor:
        cursor.execute(PACES, values)
        for days, *row in cursor.fetchall():
            found[days].append(Pace(*row))
    return found


# What was done in the longest span is read once; each span counts its own part of it.
PACES = """
    WITH span AS (
        SELECT days, now() - days * interval '1 day' AS since FROM unnest(%(spans)s::int[]) AS days
    ), mine AS (
        SELECT a.*, i.purpose, i.original_id, i.resolution_id, q.blind
        FROM reviewapp_assignment a
        JOIN reviewapp_reviewitem i ON i.id = a.item_id
        JOIN reviewapp_queue q ON q.id = i.queue_id
        WHERE q.project_id = %(project)s AND (%(reviewer)s::bigint IS NULL OR a.reviewer_id = %(reviewer)s)
            AND a.claimed_at > now() - %(longest)s * interval '1 day'
    ), said AS MATERIALIZED (
        SELECT m.reviewer_id, m.claimed_at, m.purpose, l.verdict, l.confidence, l.created_at,
            CASE WHEN NOT %(told)s OR NOT l.impersonated THEN l.seconds END AS seconds,
            coalesce(nullif(l.verdict, ''), l.preference) AS value,
            coalesce(nullif(r.verdict, ''), r.preference) AS outcome,
            r.method, cardinality(r.labels) AS voices,
            coalesce(nullif(k.verdict, ''), k.preference) AS known_value,
            coalesce(nullif(own.verdict, ''), own.preference) AS own_value,
            NOT %(told)s OR NOT m.blind OR m.revealed_at IS NOT NULL OR r.method = 'adjudicated'
                OR m.submitted_at < now() - %(told_after)s AS is_told
        FROM mine m JOIN reviewapp_label l ON l.id = coalesce(m.counted_id, m.current_id)
        LEFT JOIN reviewapp_resolution r ON r.id = m.resolution_id
        LEFT JOIN reviewapp_reviewitem o ON o.id = m.original_id
        LEFT JOIN reviewapp_resolution k ON k.id = o.resolution_id
        LEFT JOIN reviewapp_assignment oa ON oa.item_id = m.original_id AND oa.reviewer_id = m.reviewer_id
        LEFT JOIN reviewapp_label own ON own.id = oa.counted_id
        WHERE m.state = 'submitted'
    ), told AS (
        SELECT days, reviewer_id, count(*) AS labels,
            count(*) FILTER (WHERE verdict = 'fail') AS fails,
            count(*) FILTER (WHERE verdict = 'pass') AS passes,
            count(*) FILTER (WHERE confidence = 'unsure') AS unsure,
            percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS median_seconds,
            max(created_at) AS last_at,
            count(*) FILTER (WHERE purpose = 'review' AND outcome <> '' AND value = outcome
                AND (method = 'adjudicated' OR voices > 1) AND is_told) AS agreed,
            count(*) FILTER (WHERE purpose = 'review' AND outcome <> ''
                AND (method = 'adjudicated' OR voices > 1) AND is_told) AS comparable,
            count(*) FILTER (WHERE purpose = 'review' AND outcome <> '' AND method = 'adjudicated')
                AS decided,
            count(*) FILTER (WHERE purpose = 'review' AND value = outcome AND method = 'adjudicated')
                AS decided_right,
            count(*) FILTER (WHERE purpose = 'known' AND is_told) AS known,
            count(*) FILTER (WHERE purpose = 'known' AND value = known_value AND is_told) AS known_right,
            count(*) FILTER (WHERE purpose = 'repeat' AND is_told) AS repeats,
            count(*) FILTER (WHERE purpose = 'repeat' AND value = own_value AND is_told) AS repeats_same
        FROM span JOIN said ON claimed_at > since GROUP BY days, reviewer_id
    ), stood AS (
        SELECT days, reviewer_id, count(*) FILTER (WHERE state = 'skipped') AS skipped,
            count(*) FILTER (WHERE state = 'leased' AND lease_until > clock_timestamp()) AS held
        FROM span JOIN mine ON claimed_at > since GROUP BY days, reviewer_id
    ), taken_back AS (
        SELECT days, m.reviewer_id, count(*) AS undone FROM span JOIN mine m ON m.claimed_at > since
        JOIN reviewapp_label l ON l.assignment_id = m.id AND l.kind = 'undo' GROUP BY days, m.reviewer_id
    )
    SELECT st.days, u.id, u.username, trim(u.first_name || ' ' || u.last_name), s.id IS NOT NULL,
        coalesce(t.labels, 0), coalesce(t.fails, 0), coalesce(t.passes, 0), coalesce(t.unsure, 0),
        st.skipped, st.held, coalesce(b.undone, 0), t.median_seconds, t.last_at,
        coalesce(t.agreed, 0), coalesce(t.comparable, 0), coalesce(t.known, 0), coalesce(t.known_right, 0),
        coalesce(t.repeats, 0), coalesce(t.repeats_same, 0), coalesce(t.decided, 0),
        coalesce(t.decided_right, 0)
    FROM stood st JOIN reviewapp_user u ON u.id = st.reviewer_id
    LEFT JOIN told t ON t.reviewer_id = u.id AND t.days = st.days
    LEFT JOIN taken_back b ON b.reviewer_id = u.id AND b.days = st.days
    LEFT JOIN reviewapp_servicereviewer s ON s.user_id = u.id
    ORDER BY coalesce(t.labels, 0) DESC, u.username
"""
