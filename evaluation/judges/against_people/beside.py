"""Is a version at least as often right as the live one, on traces that both judged and people labelled?"""

from __future__ import annotations

from django.db.backends.utils import CursorWrapper

from evaluation.judges.models import JudgeVersion, Stage
from evaluation.statistics.paired import difference
from evaluation.statistics.weighted import Row
from ingest.json_objects import Json

WHAT_TO_DO = "ask this version about what was drawn by chance, under Runs"

# Null gains are of pairs of which one version made nothing that can be read.
_SHARED = """
SELECT CASE WHEN x.judge <> 'invalid' AND j.progress = 'done'
        THEN (x.human = x.judge)::int - (x.human = j.verdict)::int END AS gain,
    avg(x.w), count(*), CASE WHEN min(x.w) < max(x.w) THEN sum(x.w * x.w) END
FROM weighed x JOIN evaluation_judgment j ON j.trace_id = x.trace_id AND j.version_id = %s
    AND j.criterion = %s AND j.trial = 1 AND j.progress IN ('done', 'invalid')
WHERE x.unasked IS NULL AND x.human IS NOT NULL AND x.judge IS NOT NULL GROUP BY 1 ORDER BY 1
"""


def compute(cursor: CursorWrapper, version: JudgeVersion) -> Json | None:
    """Of the table `weighed` (see statements), with the weights of every other figure; None where no other
    version is live. The labels are those that fit this version's meaning of the criterion."""
    live = version.judge.versions.filter(stage=Stage.LIVE).exclude(pk=version.pk).first()
    if live is None:
        return None
    cursor.execute(_SHARED, [live.pk, live.criterion])
    shared, invalid = [], 0
    for gain, weight, n, squares in cursor.fetchall():
        if gain is None:
            invalid = n
        else:
            shared.append(Row(float(gain), float(weight), n, squares=squares))
    counts = {gain: sum(row.count for row in shared if row.value == gain) for gain in (1.0, -1.0)}
    return {
        "version": live.label,
        "gained": counts[1.0],
        "lost": counts[-1.0],
        "invalid": invalid,
        "difference": difference(shared).as_dict(),
    }


def in_words(beside: Json | None) -> str:
    """What keeps the two from being compared, and what to do; empty where nothing does."""
    if beside is None or beside["difference"]["value"] is not None:
        return ""
    return f"Beside {beside['version']}: {beside['difference']['why_null']}; {WHAT_TO_DO}."
