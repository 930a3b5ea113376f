"""What do the bodies and answers of the review API look like? One struct for each, checked by msgspec."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from ingest.json_objects import Json

Name = Annotated[str, Meta(min_length=1, max_length=150)]
Slug = Annotated[str, Meta(min_length=1, max_length=60, pattern="^[-a-zA-Z0-9_]+$")]
TraceId = Annotated[str, Meta(min_length=1, max_length=128)]
Token = Annotated[str, Meta(description="The lease's token, from claim or undo", max_length=64)]
Reviewer = Annotated[
    str | None,
    Meta(description="With scope impersonate: the user name of a member with the role of reviewer"),
]
MOST_ITEMS = 1000
KindOfItem = Literal["trace", "pair"]
VerdictName = Literal["pass", "fail", "cannot_tell"]
PreferenceName = Literal["a", "b", "tie", "both_bad"]
ConfidenceName = Literal["sure", "unsure"]
Assignment = Literal["open", "named", "round_robin"]


class ClaimBody(Struct):
    """May be left out. `item` asks for one certain item, as after a lease that ran out."""

    as_reviewer: Reviewer = None
    item: Annotated[int, Meta(ge=1, le=2**63 - 1)] | None = None


class LeaseBody(Struct):
    lease_token: Token
    as_reviewer: Reviewer = None


class SkipBody(LeaseBody):
    reason: Literal["", "expertise", "context", "unreadable", "conflict"] | None = None


class UndoBody(Struct):
    as_reviewer: Reviewer = None


class LabelBody(Struct):
    """A trace takes `verdict`, a pair `preference`. `answers` by criterion key: pass_fail "pass" or "fail",
    choice and scale the option's value, multiple_choice a list of values, number a number, text a text. A
    verdict of pass is refused (422, field `verdict`) where a critical criterion is answered fail. With `next`
    the next item of the queue is claimed as well."""

    lease_token: Token
    idempotency_key: Annotated[str, Meta(max_length=200)] | None = None
    rubric_version: int | str | None = None
    verdict: VerdictName | None = None
    preference: PreferenceName | None = None
    confidence: ConfidenceName | None = None
    answers: Json | None = None
    failure_modes: list[Annotated[str, Meta(max_length=60)]] | None = None
    note: str | None = None
    corrected_output: str | None = None
    next: bool = False
    as_reviewer: Reviewer = None


class EnqueueBody(Struct):
    """Either of the two, by the queue's kind."""

    trace_ids: Annotated[list[TraceId], Meta(max_length=MOST_ITEMS)] | None = None
    pairs: Annotated[list[tuple[TraceId, TraceId]], Meta(max_length=MOST_ITEMS)] | None = None


class QueueChange(Struct, kw_only=True):
    """What is left out stays as it is. `rules` replaces all rules of the queue."""

    name: Annotated[str, Meta(min_length=1, max_length=120)] | UnsetType = UNSET
    description: Annotated[str, Meta(max_length=5000)] | UnsetType = UNSET
    rubric: Slug | UnsetType = UNSET
    rubric_version: Annotated[int, Meta(ge=1, le=2**31 - 1)] | UnsetType = UNSET
    overlap: Annotated[int, Meta(ge=1, le=5)] | UnsetType = UNSET
    lease_seconds: Annotated[int, Meta(ge=1, le=86_400)] | UnsetType = UNSET
    audit_every: Annotated[int, Meta(ge=1, le=100)] | UnsetType = UNSET
    double_share: Annotated[float, Meta(ge=0, le=1)] | UnsetType = UNSET
    double_minimum: Annotated[int, Meta(ge=0, le=1000)] | UnsetType = UNSET
    blind: bool | UnsetType = UNSET
    paused: bool | UnsetType = UNSET
    archived: bool | UnsetType = UNSET
    assignment: Assignment | UnsetType = UNSET
    assignees: list[Name] | UnsetType = UNSET
    due_days: Annotated[int, Meta(ge=1, le=365)] | UnsetType | None = UNSET
    rules: list[Json] | UnsetType = UNSET
    open_items: Literal["move", "stay"] = "stay"


class QueuePatch(QueueChange, kw_only=True):
    """What is left out stays as it is. `rules` replaces all rules of the queue. `slug` and `kind` may be sent
    back as they are, and cannot be changed."""

    slug: Slug | UnsetType = UNSET
    kind: KindOfItem | UnsetType = UNSET


class QueueBody(QueueChange, kw_only=True):
    slug: Slug
    kind: KindOfItem = "trace"


class RubricVersionBody(Struct):
    """A new frozen version; the rubric is made when it is not there. What is left out is as in the version
    before. `new_meaning` names criteria that now ask something else though only their words differ. Of the
    criteria, only pass_fail ones beside the verdict take `critical` (one answered fail rules out the verdict
    pass; not with `shown` after_fail) and a `weight` other than 1 (its part in a label's `criteria_met`)."""

    criteria: list[Json] | None = None
    failure_modes: list[Json | str] | None = None
    guidelines: str | None = None
    changelog: str | None = None
    new_meaning: list[str] | None = None
    name: Annotated[str, Meta(min_length=1, max_length=120)] | None = None


class QueueCounts(Struct):
    waiting: int
    held: int
    adjudication: int
    resolved: int
    removed: int
    overdue: int
    labels: int


class RubricName(Struct):
    slug: str
    version: int


class QueueTold(Struct):
    slug: str
    name: str
    kind: KindOfItem
    rubric: RubricName
    overlap: int
    lease_seconds: int
    audit_every: int
    blind: bool
    paused: bool
    archived: bool
    assignment: Assignment
    due_days: int | None
    counts: QueueCounts
    oldest_at: datetime | None
    oldest_age_seconds: float | None


class QueueList(Struct):
    queues: list[QueueTold]


class Criterion(Struct):
    key: str
    title: str
    help: str
    type: str
    options: list[Json]
    minimum: float | None
    maximum: float | None
    required: bool
    critical: bool
    weight: float
    shown: str
    meaning: int


class RubricTold(Struct):
    slug: str
    name: str
    version: int
    guidelines: str
    criteria: list[Criterion]
    failure_modes: list[Json]


class Shown(Struct):
    """What is to be judged, as it was kept when it was first shown."""

    trace_id: str
    input: str
    output: str
    messages: list[Json]
    context: list[Json]


class ItemTold(Struct):
    """`traces` holds one, or two of a pair: first `a`, then `b`. `display_order` says which to show left."""

    id: int
    queue: str
    kind: KindOfItem
    trace_id: str
    other_trace_id: str | None
    round: int
    rubric_version: int
    rubric: RubricTold
    traces: list[Shown]
    display_order: Literal["ab", "ba"]
    snapshot: str | None


class LeaseTold(Struct):
    token: str
    expires_at: datetime


class Claimed(Struct):
    item: ItemTold
    lease: LeaseTold
    draft: Json | None


class Held(Struct):
    lease: LeaseTold


class ItemState(Struct):
    id: int
    state: Literal["open", "adjudication", "resolved", "removed"]


class Item(Struct):
    item: ItemState


class LabelTold(Struct, kw_only=True):
    """One revision. `standing` is the one that counts for its reviewer; `in_figures` whether agreement and
    rates may count it. `trusted` is null for labels that no token gave. `criteria_met` is the share, by
    weight, of the answered pass/fail criteria beside the verdict that were answered pass, from 0 to 1; null
    where none was answered, or all that were weigh 0."""

    id: int
    item_id: int
    trace_id: str
    other_trace_id: str | None
    queue: str
    round: int
    lane: Literal["risk", "audit"]
    u: float | None
    day: date | None
    purpose: Literal["review", "known", "repeat"]
    rubric: RubricName
    reviewer: str
    revision: int
    kind: Literal["answer", "amend", "undo", "post_reveal"]
    via: Literal["page", "api", "import"]
    token: str | None
    impersonated: bool
    trusted: bool | None
    blind: bool
    verdict: VerdictName | None
    preference: PreferenceName | None
    confidence: ConfidenceName | None
    answers: dict[str, Any]
    criteria_met: float | None
    failure_modes: list[str]
    note: str
    corrected_output: str
    seconds: float | None
    snapshot: str | None
    standing: bool
    in_figures: bool
    created_at: datetime


class Labelled(Struct):
    """`next` is there when it was asked for: null when nothing is left for this reviewer now."""

    label: LabelTold
    item: ItemState
    next: Claimed | UnsetType | None = UNSET


class CounterTold(Struct):
    name: str
    shown: int
    recount: int


class CountersTold(Struct):
    """`equal` whether each counter is what its recount gives."""

    equal: bool
    counters: list[CounterTold]


class EnqueuedTold(Struct):
    """`known` stood in the queue before, or was removed by a human; `unknown` are no traces here."""

    added: int
    items: list[int]
    known: list[str]
    unknown: list[str]
