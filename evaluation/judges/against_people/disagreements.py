"""Where judge and people disagreed: who was wrong, named once and changed by naming again."""

from __future__ import annotations

from django.http import Http404
from django.utils import timezone

from evaluation.judges.models import Disagreement, JudgeVersion
from ingest.models import Trace
from reviewapp.models import User
from reviewapp.review.models import Cause


def name_cause(version: JudgeVersion, trace: int, cause: Cause, by: User) -> Disagreement:
    """Raises Http404 for a trace that this version has not judged."""
    judged = Trace.objects.filter(pk=trace, project=version.judge.project_id, judgments__version=version)
    if not judged.exists():
        raise Http404
    named, _ = Disagreement.objects.update_or_create(
        version=version, trace_id=trace, defaults={"cause": cause, "by": by, "at": timezone.now()}
    )
    return named
