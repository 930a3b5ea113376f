"""What did this token's last claim read? Its next claim, and the label of the item, need not ask again.

Nothing is allowed by memory alone: the statement that claims or labels asks whether all of it still stands
(review.standing), and nothing is written before it. When it does not, and for whatever else is in the way,
the request is begun anew as if nothing were remembered; so each refusal is told to one just let in.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse

from ingest import prepared, tokens
from ingest.models import Scope, Trace
from ingest.problems import Problem
from ingest.tokens import Beside, Caller, TokenAuth, TokenRequest
from reviewapp.review import reviewers, rows, shapes
from reviewapp.review.api import named
from reviewapp.review.leases import Lease
from reviewapp.review.models import Queue, ReviewItem, Snapshot
from reviewapp.review.refusals import Refusal
from reviewapp.review.standing import Outdated, Standing

Key = tuple[str, str, object]
# In one web process; of more, the oldest are forgotten. An item without its texts takes some kilobytes.
MOST = 2_000
_kept: OrderedDict[Key, Recollection] = OrderedDict()


@dataclass(frozen=True, slots=True)
class Recollection(Caller):
    """A caller as it was read, with the queue, and the item where the address names one."""

    key: Key
    standing: Standing
    queue: Queue
    item: ReviewItem | None


class MemoryAuth(TokenAuth):
    """The guard of an address whose view it has `answered`. It takes whom it remembers for the caller."""

    def __init__(self, named: Beside, *scopes: Scope) -> None:
        super().__init__(*scopes, beside=named)
        self.named = named

    def __call__(self, request: HttpRequest) -> Caller:
        known = self._recall(request)
        if known is None:
            return super().__call__(request)
        request.caller = known  # type: ignore[attr-defined]
        return known

    def answered(self, request: TokenRequest, view: Callable[[TokenRequest], HttpResponse]) -> HttpResponse:
        """From memory, or else anew. Raises what the view raises of a caller who was looked up."""
        if isinstance(request.caller, Recollection):
            with suppress(Outdated, Refusal, Problem):
                return view(request)
            _kept.pop(request.caller.key, None)
            super().__call__(request)
        return view(request)

    def _recall(self, request: HttpRequest) -> Recollection | None:
        tokens.refuse_token_in_query(request)
        credential = tokens.credential_of(request, basic=False)
        if credential is None:
            return None
        known = _kept.get((credential.public_id, self.named.argument, self.named.of(request)))
        if known is None or not tokens.is_its_secret(known.token, credential.secret):
            return None
        return known if tokens.is_noted(known.token) and known.may(*self.scopes) else None


def standing_of(caller: Caller) -> Standing | None:
    """What has to stand still of a caller who is remembered; None of one who was looked up just now."""
    return caller.standing if isinstance(caller, Recollection) else None


def queue(caller: Caller) -> Queue:
    """The queue that the address names. Raises Problem 404."""
    return caller.queue if isinstance(caller, Recollection) else named.queue(caller)


def item(caller: Caller) -> ReviewItem:
    """The item that the address names. Raises Problem 404, and Outdated if another has taken it from here."""
    if isinstance(caller, Recollection):
        # It is about to change: of two who label it at once only one is answered from here.
        if _kept.pop(caller.key, None) is None or caller.item is None:
            raise Outdated
        return caller.item
    return named.item(caller)


def keep(caller: Caller, lease: Lease, claimed: shapes.Claimed) -> None:
    """After a claim by a caller of one of these guards: the queue for the next, the item for its label."""
    # Else its next request would have to write something beforehand.
    if not tokens.is_noted(caller.token) or not reviewers.is_known(caller.token):
        return
    queue, item = lease.item.queue, lease.item
    if isinstance(caller, Recollection):
        standing = caller.standing
    else:
        standing = Standing(caller.token.pk, caller.beside[-1])
        _keep(caller, named.QUEUE.argument, queue.slug, standing, queue)
    if lease.version and _drop_texts(item, claimed.item):
        _keep(caller, named.ITEM.argument, item.pk, standing.of_item(lease.version), queue, item)


def _keep(
    caller: Caller,
    argument: str,
    name: object,
    standing: Standing,
    queue: Queue,
    item: ReviewItem | None = None,
) -> None:
    key = (caller.token.public_id, argument, name)
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
