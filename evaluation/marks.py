"""How do judges and the golden dataset stand? For the navigation, so on nearly every page: one statement."""

from __future__ import annotations

from typing import Any

from django.db import connection

from evaluation.judges.models import PREFERENCE, Stage
from evaluation.statistics.certification import State
from reviewapp.models import Membership, Role
from reviewapp.navigation import Mark

# The worst one is shown, with the tone of its badge.
TONES = {
    State.UNTRUSTED: "failure",
    State.STALE: "stale",
    State.CARE: "doubt",
    State.INCONCLUSIVE: "neutral",
}


def tell(membership: Membership) -> dict[str, Mark]:
    """By route. Of judges nothing where all are trusted, or none was ever certified; of golden datasets
    nothing where there is not exactly one with a version."""
    values: dict[str, Any] = {
        "project": membership.project_id,
        "leads": Role(membership.role).allows(Role.LEAD),
        "live": Stage.LIVE.value,
        "preference": PREFERENCE,
        "worst": [state.value for state in TONES],
    }
    with connection.cursor() as cursor:
        cursor.execute(STATEMENT, values)
        state, judge, version, dataset = cursor.fetchone() or (None, None, None, None)
    marks = {}
    if state:
        marks["judges"] = Mark("", f"{judge}: {state}", TONES[State(state)])
    if version:
        marks["golden"] = Mark(f"v{version}", f"{dataset} v{version}")
    return marks


# The certificate of a live version is what the gate reads: the worker renews it as labels come, and notes on
# it what takes it back.
STATEMENT = """
    SELECT worst.state, worst.name, one.number, one.name
    FROM (SELECT) AS always
    LEFT JOIN LATERAL (
        SELECT j.name, said.state FROM evaluation_judge j
        JOIN evaluation_judgeversion v ON v.judge_id = j.id AND v.stage = %(live)s
        CROSS JOIN LATERAL (
            SELECT CASE WHEN c.stale_reason <> '' OR c.expires_at <= now() THEN 'STALE' ELSE c.state END
                AS state
            FROM evaluation_certificate c WHERE c.version_id = v.id
            ORDER BY c.issued_at DESC, c.id DESC LIMIT 1
        ) said
        WHERE %(leads)s AND j.project_id = %(project)s AND j.archived_at IS NULL
            AND v.criterion <> %(preference)s AND said.state = ANY (%(worst)s)
        ORDER BY array_position(%(worst)s, said.state::text), j.name LIMIT 1
    ) worst ON true
    LEFT JOIN LATERAL (
        SELECT min(newest.number) AS number, min(d.name) AS name FROM evaluation_goldendataset d
        CROSS JOIN LATERAL (
            SELECT g.number FROM evaluation_goldenversion g
            WHERE g.dataset_id = d.id AND g.withdrawn_at IS NULL ORDER BY g.number DESC LIMIT 1
        ) newest
        WHERE d.project_id = %(project)s HAVING count(*) = 1
    ) one ON true
"""
