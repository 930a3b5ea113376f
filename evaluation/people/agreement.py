"""How far do reviewers agree, per criterion and over time? Labels become counts in the database."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection

from evaluation.statistics.certification import double_labels_needed
from evaluation.statistics.people import Concord, Unit, concord
from ingest.models import Project
from reviewapp.review.models import VERDICT, CriterionRevision, CriterionType, Lane

VERDICTS = ("fail", "pass")
COMPARED = (CriterionType.PASS_FAIL, CriterionType.CHOICE, CriterionType.SCALE)
# Doubled audit items are a sample of production; what rules chose is not.
LANES = {"audit": (Lane.AUDIT,), "all": (Lane.AUDIT, Lane.RISK)}


@dataclass(frozen=True, slots=True)
class Week:
    start: date
    verdict: Concord

    @property
    def end(self) -> date:
        return self.start + timedelta(days=6)


@dataclass(frozen=True, slots=True)
class Criterion:
    """`needed`: about how many items answered twice give alpha an interval of .2, as far as that is known: of
    two answers, both of which were given."""

    title: str
    rubric: str
    is_ordered: bool
    concord: Concord
    needed: int | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """The verdict comes first; `weeks` have the verdict's figures, the oldest first, also the empty ones."""

    criteria: tuple[Criterion, ...]
    weeks: tuple[Week, ...]

    @property
    def n(self) -> int:
        return self.criteria[0].concord.n


def tell(project: Project, days: int, lane: str = "audit") -> Agreement:
    """Of items answered blind by two people or more in the last `days` days."""
    asked: dict[str, Any] = {
        "project": project.pk,
        "days": days,
        "lanes": [str(each) for each in LANES[lane]],
    }
    with connection.cursor() as cursor:
        cursor.execute(VERDICT_UNITS, asked)
        verdicts = [(week, _unit(said, VERDICTS), many) for week, said, many in cursor.fetchall()]
        cursor.execute(ANSWER_UNITS, {**asked, "types": [str(each) for each in COMPARED]})
        answers = cursor.fetchall()
    counted = Counter[Unit]()
    for _, unit, many in verdicts:
        counted[unit] += many
    verdict = Criterion(VERDICT, "", False, concord(counted, len(VERDICTS)), _needed(counted))
    return Agreement((verdict, *_criteria(answers)), tuple(_weeks(verdicts)))


def _criteria(answers: Sequence[tuple[int, list[str], int]]) -> list[Criterion]:
    by_revision: dict[int, Counter[tuple[str, ...]]] = defaultdict(Counter)
    for revision, said, many in answers:
        by_revision[revision][tuple(said)] += many
    revisions = CriterionRevision.objects.filter(pk__in=by_revision).select_related("version__rubric")
    return [
        _criterion(each, by_revision[each.pk]) for each in revisions.order_by("version__rubric", "position")
    ]


def _criterion(revision: CriterionRevision, said: Counter[tuple[str, ...]]) -> Criterion:
    options = VERDICTS if revision.type == CriterionType.PASS_FAIL else _options(revision, said)
    units = Counter[Unit]()
    for answers, many in said.items():
        units[_unit(answers, options)] += many
    is_ordered = revision.type == CriterionType.SCALE
    needed = _needed(units) if len(options) == len(VERDICTS) else None
    found = concord(units, len(options), "ordinal" if is_ordered else "nominal")
    return Criterion(revision.title, revision.version.rubric.name, is_ordered, found, needed)


def _options(revision: CriterionRevision, said: Counter[tuple[str, ...]]) -> tuple[str, ...]:
    """In the rubric's order; what an earlier wording offered beside them comes last."""
    offered = [str(option["value"]) for option in revision.options]
    others = sorted({answer for answers in said for answer in answers} - set(offered))
    return (*offered, *others)


def _unit(said: Sequence[str], options: Sequence[str]) -> Unit:
    return tuple(sorted(options.index(each) for each in said if each in options))


def _needed(units: Counter[Unit]) -> int | None:
    """None while nobody failed anything, or everybody everything."""
    places = Counter[int]()
    for unit, many in units.items():
        for place in unit:
            places[place] += many
    return double_labels_needed(places[0] / places.total()) if len(places) == len(VERDICTS) else None


def _weeks(verdicts: Sequence[tuple[date, Unit, int]]) -> list[Week]:
    by_week: dict[date, Counter[Unit]] = defaultdict(Counter)
    for week, unit, many in verdicts:
        by_week[week][unit] += many
    if not by_week:
        return []
    first, last = min(by_week), max(by_week)
    starts = [first + timedelta(weeks=n) for n in range((last - first).days // 7 + 1)]
    return [Week(start, concord(by_week[start], len(VERDICTS))) for start in starts]


# People alone, and tokens that speak for them only where a lead trusts them. An item stands in the week of
# its trace. Repeats and hidden known items would hold people against themselves.
LABELS = """
    WITH label AS (
        SELECT i.id AS item, i.queue_id AS queue, i.kind, l.id, l.verdict, l.preference,
            date_trunc('week', x.started_at AT TIME ZONE 'UTC')::date AS week
        FROM reviewapp_reviewitem i JOIN reviewapp_queue q ON q.id = i.queue_id
        JOIN ingest_trace x ON x.id = i.trace_id
        JOIN reviewapp_assignment a ON a.item_id = i.id JOIN reviewapp_label l ON l.id = a.counted_id
        LEFT JOIN ingest_apitoken t ON t.id = l.token_id
        WHERE q.project_id = %(project)s AND i.purpose = 'review' AND i.required > 1
            AND i.lane = ANY(%(lanes)s) AND l.blind
            AND l.created_at > now() - %(days)s * interval '1 day'
            AND (NOT l.impersonated OR t.trusted_for_reviews)
            AND NOT EXISTS (SELECT FROM reviewapp_servicereviewer s WHERE s.user_id = a.reviewer_id)
    )
"""
VERDICT_UNITS = (
    LABELS  # noqa: S608 - constants
    + """, item AS (
        SELECT week, array_agg(verdict::text ORDER BY verdict) AS said
        FROM label WHERE kind = 'trace' AND verdict IN ('fail', 'pass')
        GROUP BY item, week HAVING count(*) > 1
    )
    SELECT week, said, count(*) FROM item GROUP BY 1, 2 ORDER BY 1, 2
"""
)
# Answers under wordings that mean the same are compared; the newest of them names the criterion.
ANSWER_UNITS = (
    LABELS  # noqa: S608 - constants
    + """, answer AS (
        SELECT label.item, v.rubric_id, c.key, c.meaning, la.value #>> '{}' AS said
        FROM label JOIN reviewapp_labelanswer la ON la.label_id = label.id
        JOIN reviewapp_criterionrevision c ON c.id = la.criterion_id
        JOIN reviewapp_rubricversion v ON v.id = c.version_id
        WHERE label.kind = 'trace' AND c.type = ANY(%(types)s)
    ), item AS (
        SELECT rubric_id, key, meaning, array_agg(said ORDER BY said) AS said
        FROM answer GROUP BY item, rubric_id, key, meaning HAVING count(*) > 1
    )
    SELECT (SELECT c.id FROM reviewapp_criterionrevision c
            JOIN reviewapp_rubricversion v ON v.id = c.version_id
            WHERE v.rubric_id = item.rubric_id AND c.key = item.key AND c.meaning = item.meaning
            ORDER BY v.number DESC LIMIT 1), said, count(*)
    FROM item GROUP BY rubric_id, key, meaning, said ORDER BY 1, 2
"""
)
