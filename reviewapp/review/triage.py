"""A second look before people look: it may change when waiting items come up, and nothing else.

It raises or lowers the priority of open items of the risk lane and says so among their reasons, which blind
reviewers see after their own submit. It closes nothing, and items that chance drew keep their order.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

# What a certain failure multiplies a priority by; a certain pass divides by it.
STRONGEST = 2.0


@dataclass(frozen=True, slots=True)
class Look:
    """What was said of an item: `p_fail` its probability of failure, `mark` the same for the same words."""

    item: int
    mark: str
    p_fail: float
    words: str


def factor(p_fail: float) -> float:
    return float(STRONGEST ** (2 * min(1.0, max(0.0, p_fail)) - 1))


def weigh(looks: Sequence[Look]) -> int:
    """Once for each mark, from the priority that the item had before any look; how many items changed."""
    if not looks:
        return 0
    rows = [
        {
            "item": look.item,
            "mark": look.mark,
            "factor": round(factor(look.p_fail), 6),
            "words": look.words[:200],
        }
        for look in sorted(looks, key=lambda each: each.item)
    ]
    with connection.cursor() as cursor:
        cursor.execute(WEIGH, [json.dumps(rows)])
        return int(cursor.rowcount)


WEIGH = """
    WITH said AS (
        SELECT s.*, i.id, coalesce((i.terms #>> '{triage,before}')::float8, i.priority) AS before
        FROM jsonb_to_recordset(%s::jsonb) AS s (item bigint, mark text, factor float8, words text)
        JOIN reviewapp_reviewitem i ON i.id = s.item
        WHERE i.lane = 'risk' AND i.rank IS NOT NULL AND i.state = 'open' AND i.purpose = 'review'
            AND i.terms #>> '{triage,mark}' IS DISTINCT FROM s.mark
        ORDER BY i.id FOR UPDATE OF i SKIP LOCKED
    )
    UPDATE reviewapp_reviewitem i SET
        rank = i.rank + said.before * said.factor - i.priority,
        priority = said.before * said.factor,
        terms = i.terms || jsonb_build_object('triage',
            jsonb_build_object('mark', said.mark, 'factor', said.factor, 'before', said.before)),
        reasons = jsonb_path_query_array(i.reasons, '$[*] ? (@.code != "triage")')
            || jsonb_build_object('code', 'triage', 'detail', said.words)
    FROM said WHERE i.id = said.id
"""
