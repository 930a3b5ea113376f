"""The demo's reviewers work their queue through the API, as a labelling tool of one's own would.

A token that may speak for reviewers is issued for this and revoked right after it.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain, islice
from typing import Any

from django.db.models import QuerySet

from ingest.models import Project, Scope
from ingest.routing.models import Unsettled
from ingest.tokens import issue, revoke
from reviewapp.demo import people
from reviewapp.demo.larkfield import LEAD
from reviewapp.demo.sending import Client
from reviewapp.demo.traffic import Plan, conversations
from reviewapp.demo.turns import Turn
from reviewapp.models import User
from reviewapp.review import queues, resolutions
from reviewapp.review.models import Cause, ItemState, Label, Lane, ReviewItem, Verdict

QUEUE = "review"
# At which claim an audit item comes, for so many labels. Reviewers catch up with production first, so that
# enough random labels stand on both sides of the judge's change to tell whether the assistant moved too. A
# few of the newest audit items are left to whoever tries the demo.
SITTINGS = ((1, 540), (2, 1_640))
LABELS = sum(labels for _, labels in SITTINGS)
# The lead decides most of what waits for a decision, confirms the clear failures, and leaves so many open of
# each reason why it waits.
LEFT_OF_EACH = 4
CONFIRMED = 90
SETTLING_SECONDS = 240


def wait_until_settled(project: Project, progress: Callable[[int], None]) -> None:
    """Until the worker has settled the traces and filled the queue; `progress` gets the number left."""
    end = time.monotonic() + SETTLING_SECONDS
    while left := Unsettled.objects.filter(trace__project=project).count():
        if time.monotonic() > end:
            raise TimeoutError(
                f"{left} traces have not settled after {SETTLING_SECONDS} s. Is a worker running?"
            )
        progress(left)
        time.sleep(0.5)
    progress(0)


def turns_of(plan: Plan) -> dict[str, Turn]:
    return {turn.trace_id: turn for visit in conversations(plan) for turn in visit}


def has_begun(project: Project) -> bool:
    return Label.objects.filter(assignment__item__queue__project=project).exists()


def review(project: Project, plan: Plan, url: str, progress: Callable[[int], None]) -> None:
    """The four reviewers label side by side, then the lead decides. Nothing is done twice."""
    if has_begun(project):
        return
    queue = queues.find(project, QUEUE)
    assert queue
    turns, names = turns_of(plan), sorted(people.MANNERS)
    with speaking_for_reviewers(project) as token, ThreadPoolExecutor(len(names)) as pool:
        counts = [0] * len(names)

        def work(place: int, most: int) -> None:
            for _ in sitting(Client(url, token), names[place], turns, most):
                counts[place] += 1
                progress(sum(counts))

        for every, labels in SITTINGS:
            queues.change(queue, audit_every=every)
            list(pool.map(work, range(len(names)), [labels // len(names)] * len(names)))
    queues.change(queue, audit_every=4)
    decide(project, turns, User.objects.get(username=LEAD))


@contextmanager
def speaking_for_reviewers(project: Project) -> Iterator[str]:
    scopes = [Scope.LABELS_WRITE, Scope.IMPERSONATE]
    issued = issue(project, "demo reviewers", scopes, created_by="demo", trusted_for_reviews=True)
    try:
        yield issued.text
    finally:
        revoke(issued.token)


def sitting(client: Client, name: str, turns: Mapping[str, Turn], most: int) -> Iterator[int]:
    """Claims and labels until nothing is left or the reviewer has done their share."""
    coming = claims(client, name, most)
    held = deque(islice(coming, people.MANNERS[name].ahead))
    done = 0
    while held:
        claimed = held.popleft()
        label(client, name, claimed, people.judgement(turns[claimed["item"]["trace_id"]], name))
        held.extend(islice(coming, 1))
        done += 1
        yield done


def claims(client: Client, name: str, most: int) -> Iterator[dict[str, Any]]:
    for _ in range(most):
        claimed = call(client, f"/api/v1/queues/{QUEUE}/claim", {"as_reviewer": name})
        if not claimed:
            return
        yield claimed


def label(client: Client, name: str, claimed: dict[str, Any], said: dict[str, Any]) -> None:
    item, lease = claimed["item"], claimed["lease"]
    told = said | {
        "as_reviewer": name,
        "lease_token": lease["token"],
        "idempotency_key": f"demo-{name}-{item['id']}",
        "rubric_version": item["rubric_version"],
    }
    call(client, f"/api/v1/items/{item['id']}/label", told)


def call(client: Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    return client.post(path, json.dumps(body).encode(), "application/json")


def decide(project: Project, turns: Mapping[str, Turn], lead: User) -> None:
    """The lead settles disagreements and confirms failures: what two people saw counts as confirmed."""
    of_project = ReviewItem.objects.filter(queue__project=project)
    decide_most(of_project, turns, lead)
    failed = of_project.filter(
        state=ItemState.RESOLVED,
        resolution__verdict=Verdict.FAIL,
        resolution__confirmed=False,
    )
    for item in _of(failed.exclude(lane=Lane.AUDIT))[:CONFIRMED]:
        label = Label.objects.filter(current_of__item=item, verdict=Verdict.FAIL).first()
        if label and _truth(turns, item) == Verdict.FAIL:
            resolutions.adjudicate(
                item,
                lead,
                verdict=Verdict.FAIL,
                failure_modes=label.failure_modes,
                corrected_output=label.corrected_output,
                note=label.note,
            )


def decide_most(items: QuerySet[ReviewItem], turns: Mapping[str, Turn], lead: User) -> None:
    by_reason: dict[str, list[ReviewItem]] = defaultdict(list)
    for item in _of(items.filter(state=ItemState.ADJUDICATION)):
        by_reason[item.adjudication_reason].append(item)
    for item in chain.from_iterable(same[LEFT_OF_EACH:] for same in by_reason.values()):
        verdict = _truth(turns, item)
        cause = Cause.HUMAN_WRONG if verdict == Verdict.PASS else Cause.MISSING_CONTEXT
        resolutions.adjudicate(item, lead, verdict=verdict, cause=cause)


def _of(items: Any) -> Sequence[ReviewItem]:
    return list(items.select_related("trace").order_by("pk"))


def _truth(turns: Mapping[str, Turn], item: ReviewItem) -> str:
    return Verdict.FAIL if item.trace and turns[item.trace.trace_id].flaw else Verdict.PASS
