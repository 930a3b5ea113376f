"""What can be prepared for the next item while this one is read, without holding it for anybody?"""

from __future__ import annotations

from django.db.models import Exists, F, OuterRef

from reviewapp.models import User
from reviewapp.review import snapshots
from reviewapp.review.models import Assignment, Queue, ReviewItem

# Others may claim the first one in the meantime, so a few are prepared.
AHEAD = 3


def prepare(queue: Queue, reviewer: User) -> int:
    """Make the snapshots of the items this reviewer is likely to get next; how many were wanting.

    Reading a trace is what takes long before it can be shown. The lease is taken at the submit.
    """
    mine = Assignment.objects.filter(item=OuterRef("pk"), reviewer=reviewer)
    free = ReviewItem.objects.filter(queue=queue, open_slots__gt=0).exclude(Exists(mine))
    found = 0
    for rank in ("rank", "audit_rank"):
        lane = free.filter(**{f"{rank}__isnull": False}).order_by(F(rank).desc(), "pk")[:AHEAD]
        for item in [item for item in lane if item.snapshot_id is None]:
            snapshots.look(item)
            found += 1
    return found
