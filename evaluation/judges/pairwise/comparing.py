"""Does a judge prefer what people prefer? On pairs that it judged and that people labelled blind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import connection

from evaluation.judges.models import JudgeVersion
from evaluation.judges.pairwise.asking import ONE_ORDER, OTHER_ORDER
from evaluation.statistics import bias, tables
from evaluation.statistics.figure import Figure, unknown
from evaluation.statistics.intervals import share, z_of
from ingest.json_objects import Json
from reviewapp.review.models import Preference

CHOICES = tuple(str(value) for value in Preference.values)
DECIDED = (str(Preference.A), str(Preference.B))
NO_PAIRS = "no pair was both judged and labelled blind"
LEAST_FOR_KAPPA = 30
MOST_LISTED = 100


class Pair(NamedTuple):
    """`people` is what most blind labels say, else a lead's decision; "" where there is none."""

    item: int
    a: str
    b: str
    text: str
    people: str
    labels: int
    judge: str
    progress: str
    order: str
    turned: str  # what it preferred in the other order, "" where it was not asked
    confidence: float | None
    rationale: str
    votes: Any


def pairs(version: JudgeVersion) -> list[Pair]:
    with connection.cursor() as cursor:
        cursor.execute(
            PAIRS,
            {
                "version": version.pk,
                "project": version.judge.project_id,
                "one": ONE_ORDER,
                "other": OTHER_ORDER,
            },
        )
        return [Pair(*row) for row in cursor.fetchall()]


# Post-reveal revisions are never counted labels; impersonated ones count where their token is trusted.
PAIRS = """
    WITH label AS (
        SELECT a.item_id, l.preference FROM reviewapp_assignment a
        JOIN reviewapp_label l ON l.id = a.counted_id LEFT JOIN ingest_apitoken t ON t.id = l.token_id
        WHERE l.blind AND l.preference <> '' AND (NOT l.impersonated OR t.trusted_for_reviews)
    ),
    said AS (
        SELECT item_id, preference, count(*) AS n,
            rank() OVER (PARTITION BY item_id ORDER BY count(*) DESC) AS place FROM label GROUP BY 1, 2
    ),
    people AS (
        SELECT item_id, sum(n) AS labels,
            CASE WHEN count(*) FILTER (WHERE place = 1) = 1 THEN min(preference) FILTER (WHERE place = 1) END
                AS preference FROM said GROUP BY 1
    )
    SELECT i.id, one.trace_id, two.trace_id, left(one.input, 140),
        CASE WHEN p.item_id IS NULL THEN '' ELSE coalesce(p.preference, r.preference, '') END,
        coalesce(p.labels, 0), j.preference, j.progress, j."order",
        coalesce(k.preference, ''), j.confidence, j.rationale, j.votes
    FROM evaluation_judgment j JOIN reviewapp_reviewitem i ON i.id = j.item_id
    JOIN reviewapp_queue q ON q.id = i.queue_id AND q.project_id = %(project)s
    JOIN ingest_trace one ON one.id = i.trace_id JOIN ingest_trace two ON two.id = i.other_trace_id
    LEFT JOIN people p ON p.item_id = i.id
    LEFT JOIN reviewapp_resolution r ON r.id = i.resolution_id AND r.method = 'adjudicated'
    LEFT JOIN evaluation_judgment k
        ON k.item_id = j.item_id AND k.version_id = j.version_id AND k.trial = %(other)s
            AND k.progress = 'done'
    WHERE j.version_id = %(version)s AND j.trial = %(one)s AND i.state <> 'removed' ORDER BY i.id
"""


def tell(version: JudgeVersion) -> Json:
    """Every number of the page of a pairwise judge; the API tells the same."""
    found = pairs(version)
    both = [pair for pair in found if pair.people and pair.judge]
    decided = [pair for pair in both if pair.people in DECIDED and pair.judge in DECIDED]
    turned = [_by_order(pair) for pair in found if pair.judge and pair.turned]
    agreeing = sum(pair.people == pair.judge for pair in both)
    counts = Counter((pair.people, pair.judge) for pair in both)
    return {
        "n": len(both),
        "judged": sum(bool(pair.judge) for pair in found),
        "excluded": _excluded(found),
        "agreement": share(agreeing, len(both), NO_PAIRS).as_dict(),
        "decided_agreement": share(
            sum(pair.people == pair.judge for pair in decided),
            len(decided),
            "no pair on which both people and judge prefer one answer",
        ).as_dict(),
        "kappa": _kappa(both).as_dict(),
        "confusion": [
            {"people": people, "judge": {judge: counts[people, judge] for judge in CHOICES}}
            for people in CHOICES
        ],
        "position": {
            name: value.as_dict() if isinstance(value, Figure) else value
            for name, value in _position(turned).items()
        },
        "first_shown": share(
            sum(pair.judge == pair.order[0] for pair in found if pair.judge in DECIDED),
            sum(pair.judge in DECIDED for pair in found),
            "it has preferred no answer yet",
        ).as_dict(),
    }


def brief(version: JudgeVersion) -> Json:
    """What stands of it in the list of judges."""
    found = [pair for pair in pairs(version) if pair.people and pair.judge]
    agreeing = sum(pair.people == pair.judge for pair in found)
    return {"n": len(found), "agreement": share(agreeing, len(found), NO_PAIRS).as_dict()}


def _position(turned: Sequence[tuple[str, str]]) -> dict[str, Any]:
    found = bias.position(turned)
    return {"flips": found.flips, "first": found.first, "p": found.p}


def _by_order(pair: Pair) -> tuple[str, str]:
    """What it preferred with a shown first, then with b shown first."""
    return (pair.judge, pair.turned) if pair.order == "ab" else (pair.turned, pair.judge)


def _excluded(found: Sequence[Pair]) -> dict[str, int]:
    """Why pairs it was asked about are in no figure of agreement."""
    counts = Counter[str]()
    for pair in found:
        if not pair.judge:
            counts["invalid" if pair.progress == "invalid" else "not_judged"] += 1
        elif not pair.people:
            counts["tie_of_people" if pair.labels else "not_labelled"] += 1
    return dict(sorted(counts.items()))


def _kappa(both: Sequence[Pair]) -> Figure:
    if len(both) < LEAST_FOR_KAPPA:
        return unknown(f"{LEAST_FOR_KAPPA} pairs are needed", len(both))
    table = [[0.0] * len(CHOICES) for _ in CHOICES]
    for pair in both:
        table[CHOICES.index(pair.people)][CHOICES.index(pair.judge)] += 1
    found = tables.kappa(table)
    if found is None:
        return unknown("everyone always says the same", len(both))
    half = z_of() * found.se
    return Figure(found.value, max(-1.0, found.value - half), min(1.0, found.value + half), len(both))


def disagreements(version: JudgeVersion) -> list[Pair]:
    """The pairs on which people and judge differ, those first on which they prefer opposite answers."""
    both = [pair for pair in pairs(version) if pair.people and pair.judge and pair.people != pair.judge]
    both.sort(
        key=lambda pair: (not {pair.people, pair.judge} <= set(DECIDED), -(pair.confidence or 0), pair.item)
    )
    return both[:MOST_LISTED]
