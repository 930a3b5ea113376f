"""What changed? New models and prompts in the traces, versions that went live, models behind an alias.

Every value has one event at the moment it was seen first. The first of all of its subject is where things
began, not a change; it is kept so that the next one can be told from it.
"""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from evaluation.changes.models import ChangeEvent, ChangeKind
from evaluation.judges.judgments import answered
from evaluation.judges.models import AnsweredModel

MOST_SUBJECTS = 300
# Rows with smaller numbers may be committed later.
OVERLAP = 200
# Slices that this process has looked at already; a new process looks at all of them once.
_seen: dict[str, int] = {"slice": 0}


def find() -> int:
    """Note what is new, in all projects; how many events. A job, and safe to run twice at once."""
    return _in_traces() + _run(VERSIONS_LIVE) + _run(RUBRICS) + _run(GOLDEN) + _behind_aliases()


def _in_traces() -> int:
    """A combination of route, model and prompt version that is new leads to the trace it began with."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM ingest_slice")
        (newest,) = cursor.fetchone()
        if newest <= _seen["slice"]:
            return 0
        cursor.execute(IN_TRACES, {"after": _seen["slice"] - OVERLAP, "most": MOST_SUBJECTS})
        count = int(cursor.rowcount)
    _seen["slice"] = newest
    return count


def _run(statement: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return int(cursor.rowcount)


def _behind_aliases() -> int:
    """Where several models answered in a version's name."""
    several = AnsweredModel.objects.select_related("version__judge").order_by("version", "first_at")
    found = 0
    for version in {row.version_id: row.version for row in several}.values():
        for at, pinned, model in answered.changed(version):
            found += note(
                version.judge.project_id,
                ChangeKind.ANSWERED,
                model,
                at,
                subject=f"{version.judge.name} {version.label}"[:200],
                words=f"{model} answers for judge {version.judge.name} {version.label}, not {pinned}",
            )
    return found


def note(
    project: int,
    kind: str,
    value: str,
    at: datetime,
    *,
    subject: str = "",
    words: str = "",
    told_by: str = "",
) -> bool:
    """Whether it was new: told again with the same time, it is the same event."""
    known = ChangeEvent.objects.filter(project=project, kind=kind, subject=subject, value=value)
    if (known.filter(at=at) if told_by else known).exists():
        return False
    made = ChangeEvent.objects.bulk_create(
        [
            ChangeEvent(
                project_id=project, kind=kind, subject=subject, value=value, at=at, words=words[:300],
                told_by=told_by,
            )
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    return bool(made)


_INSERT = (
    "INSERT INTO evaluation_changeevent "
    "(project_id, kind, subject, value, words, routes, at, told_by, follow_up) SELECT n.*, '', '' FROM ("
)
_NEW = (
    ") n WHERE NOT EXISTS (SELECT FROM evaluation_changeevent e WHERE e.project_id = n.project_id "
    "AND e.kind = n.kind AND e.subject = n.subject AND e.value = n.value) "
)
# A subject with hundreds of values has a new one in every request, which is no change.
_FEW = (
    "AND (SELECT count(*) FROM evaluation_changeevent e WHERE e.project_id = n.project_id "
    "AND e.kind = n.kind AND e.subject = n.subject) < %(most)s "
)


def _noting(found: str, few: str = "") -> str:
    return "".join([_INSERT, found, _NEW, few, "ON CONFLICT DO NOTHING"])


IN_TRACES = _noting(
    """
    SELECT t.project_id, v.kind, left(v.subject, 200) AS subject, left(v.value, 200) AS value,
        v.kind || ' ' || left(v.value, 200), to_jsonb(array_agg(DISTINCT t.route)), min(t.started_at)
    FROM (SELECT DISTINCT project_id, first_at FROM ingest_slice WHERE id > %(after)s) s
    JOIN ingest_trace t ON t.project_id = s.project_id AND t.started_at = s.first_at
    JOIN ingest_auditdraw d ON d.trace_id = t.id AND NOT d.excluded
    CROSS JOIN LATERAL (VALUES ('model', '', t.model), ('prompt', t.prompt_name, t.prompt_version))
        AS v (kind, subject, value)
    WHERE v.value <> '' AND t.environment <> 'imported' GROUP BY 1, 2, 3, 4
    """,
    _FEW,
)
VERSIONS_LIVE = _noting(
    """
    SELECT j.project_id, 'judge' AS kind, j.name AS subject, v.label AS value,
        'judge ' || j.name || ' ' || v.label || ' live', '[]'::jsonb, v.live_at
    FROM evaluation_judgeversion v JOIN evaluation_judge j ON j.id = v.judge_id
    WHERE v.live_at IS NOT NULL
    """
)
RUBRICS = _noting(
    """
    SELECT r.project_id, 'rubric' AS kind, r.slug AS subject, 'v' || v.number AS value,
        'rubric ' || r.name || ' v' || v.number, '[]'::jsonb, v.frozen_at
    FROM reviewapp_rubricversion v JOIN reviewapp_rubric r ON r.id = v.rubric_id
    WHERE v.frozen_at IS NOT NULL
    """
)
GOLDEN = _noting(
    """
    SELECT d.project_id, 'golden' AS kind, left(d.name, 200) AS subject, 'v' || v.number AS value,
        'golden ' || left(d.name, 200) || ' v' || v.number, '[]'::jsonb, v.created_at
    FROM evaluation_goldenversion v JOIN evaluation_goldendataset d ON d.id = v.dataset_id
    """
)
