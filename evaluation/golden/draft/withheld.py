"""Which cases may a member not read yet? Those whose trace they have still to judge blind.

What a case expects, its note and who failed it is what reviewers said of the trace.
"""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q

from evaluation.golden.models import GoldenDataset
from ingest.models import Trace
from reviewapp.models import Membership
from reviewapp.review import blindness

WORDS = "You have still to judge the trace of this case: it opens once you have handed that in."
OF_FILES = "You have still to judge the trace of a case in this file: it opens once you have handed that in."


def to_judge(membership: Membership) -> Q:
    """The condition on rows that have a `trace`."""
    hidden = blindness.hidden_items(membership)
    coming = Trace.objects.filter(blindness.coming(membership), project=membership.project_id)
    return (
        Exists(hidden.filter(trace=OuterRef("trace")))
        | Exists(hidden.filter(other_trace=OuterRef("trace")))
        | Q(trace__in=coming.values("pk"))
    )


def from_member(membership: Membership, dataset: GoldenDataset) -> frozenset[str]:
    """The ids of those cases of the dataset."""
    return frozenset(dataset.cases.filter(to_judge(membership)).values_list("case_id", flat=True))
