"""Who has been shown what was said of a trace, and so cannot label it blind any more?

Noted where one trace or item is opened: the reveal after the submit, the trace's page, the lead's decision.
Lists that show a verdict or a score beside many traces note nothing: few of their rows are read. Nor do
answers of the API, where nobody knows who reads what a program has fetched.
"""

from __future__ import annotations

from collections.abc import Iterable

from ingest import prepared
from reviewapp.models import User


def note(user: User, traces: Iterable[int | None]) -> None:
    """The first time counts."""
    prepared.change(NOTE, [user.pk, sorted(trace for trace in traces if trace is not None)])


NOTE = """
    INSERT INTO reviewapp_exposure (user_id, trace_id) SELECT %s, unnest(%s::bigint[]) ON CONFLICT DO NOTHING
"""


def note_if_told(user: int, trace: int) -> None:
    """The same of the trace's own page, where there may be nothing to see beside the trace itself."""
    prepared.change(NOTE_IF_TOLD, {"user": user, "trace": trace})


# A judge's verdict comes as a score.
NOTE_IF_TOLD = """
    INSERT INTO reviewapp_exposure (user_id, trace_id) SELECT %(user)s, %(trace)s
    WHERE EXISTS (SELECT FROM ingest_score WHERE trace_id = %(trace)s)
        OR EXISTS (SELECT FROM ingest_feedback WHERE trace_id = %(trace)s)
        OR EXISTS (SELECT FROM ingest_route WHERE trace_id = %(trace)s)
        OR EXISTS (SELECT FROM reviewapp_assignment a JOIN reviewapp_reviewitem i ON i.id = a.item_id
            WHERE a.state = 'submitted' AND i.trace_id = %(trace)s)
        OR EXISTS (SELECT FROM reviewapp_assignment a JOIN reviewapp_reviewitem i ON i.id = a.item_id
            WHERE a.state = 'submitted' AND i.other_trace_id = %(trace)s)
    ON CONFLICT DO NOTHING
"""
# A condition on assignment a and its item i. Repeats and known items are meant to come again.
SEEN = """(i.purpose = 'review' AND EXISTS (
                SELECT FROM reviewapp_exposure e
                WHERE e.user_id = a.reviewer_id AND e.trace_id IN (i.trace_id, i.other_trace_id)
            ))"""


def is_exposed(assignment: int) -> bool:
    """Whether its reviewer had seen what was said of the item's traces before this moment."""
    return prepared.one(IS_EXPOSED, [assignment]) is not None


IS_EXPOSED = f"""
    SELECT FROM reviewapp_assignment a JOIN reviewapp_reviewitem i ON i.id = a.item_id
    WHERE a.id = %s AND {SEEN}
"""
