"""What did this token's last claim read? Its next claim, and the label of the item, need not ask again.

Nothing is allowed by memory alone: the statement that claims or labels asks whether all of it still stands
(review.standing), and nothing is written before it.
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass

from ingest import prepared, tokens
from ingest.models import Trace
from ingest.tokens import Caller
from reviewapp.review import reviewers, rows, shapes
from reviewapp.review.api import named
from reviewapp.review.leases import Lease
from reviewapp.review.models import Queue, ReviewItem, Snapshot
from reviewapp.review.standing import Standing

# The public id of the token, and the queue's slug or the item's id.
Key = tuple[str, str | int]
# In one web process; of more, the oldest are forgotten. An item without its texts takes some kilobytes.
MOST = 2_000
_kept: OrderedDict[Key, Recollection] = OrderedDict()


@dataclass(frozen=True, slots=True)
class Recollection(Caller):
    """A caller as it was read, and the queue; `item` where it is kept under that."""

    key: Key
    standing: Standing
    queue: Queue
    item: ReviewItem | None


def recall(authorization: str, name: str | int) -> Recollection | None:
    """What is kept under the name for whom the header names, if it brings the token's secret."""
    credential = tokens.bearer(authorization)
    if credential is None:
        return None
    known = _kept.get((credential.public_id, name))
    if known is None or not tokens.is_its_secret(known.token, credential.secret):
        return None
    # Else its use has to be written beforehand.
    return known if tokens.is_noted(known.token) else None


def take(known: Recollection) -> bool:
    """Forget it; whether it was still there. Of two who label an item at once one is answered from here."""
    found = _kept.pop(known.key, None)
    if found is not None and found is not known:
        # Kept since by a claim of the same item.
        _kept.setdefault(known.key, found)
    return found is known


def keep(caller: Caller, lease: Lease, claimed: shapes.Claimed) -> None:
    """After a claim by a caller who may claim and label: the queue for the next, the item for its label."""
    # Else its next request would have to write something beforehand.
    if not tokens.is_noted(caller.token) or not reviewers.is_known(caller.token):
        return
    queue, item = lease.item.queue, lease.item
    if isinstance(caller, Recollection):
        standing = caller.standing
    else:
        standing = Standing(caller.token.pk, caller.beside[-1])
        _keep(caller, queue.slug, standing, queue)
    if lease.version and _drop_texts(item, claimed.item):
        _keep(caller, item.pk, standing.of_item(lease.version), queue, item)


def _keep(
    caller: Caller, name: str | int, standing: Standing, queue: Queue, item: ReviewItem | None = None
) -> None:
    key = (caller.token.public_id, name)
    _kept[key] = Recollection(caller.token, caller.project, (), key, standing, queue, item)
    # Another thread may have taken it out meanwhile.
    with suppress(KeyError):
        _kept.move_to_end(key)
        if len(_kept) > MOST:
            _kept.popitem(last=False)


def _drop_texts(item: ReviewItem, told: shapes.ItemTold) -> bool:
    """As `named.item` gives it: of traces and snapshot no more than their names, as far as they were told."""
    if item.other_trace_id and not told.other_trace_id:
        return False
    rows.link(item, "trace", prepared.made(Trace, named.NAMED, [item.trace_id, told.trace_id]))
    if item.other_trace_id:
        other = [item.other_trace_id, told.other_trace_id]
        rows.link(item, "other_trace", prepared.made(Trace, named.NAMED, other))
    if item.snapshot is not None:
        hashed = [item.snapshot_id, item.snapshot.sha256]
        rows.link(item, "snapshot", prepared.made(Snapshot, named.HASHED, hashed))
    return True
