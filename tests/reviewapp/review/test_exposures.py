"""Who has seen what was said of a trace labels it, but not blind: also if that was before it was theirs."""

import pytest

from ingest.models import Score
from reviewapp.models import Role
from reviewapp.review import items, labels, leases, resolutions
from reviewapp.review.actors import Actor
from reviewapp.review.models import Exposure, ReviewItem
from tests.conftest import person
from tests.reviewapp.review.making import (
    FAIL,
    PASS,
    START,
    filled,
    in_figures,
    make_queue,
    make_reviewer,
    make_traces,
)

pytestmark = pytest.mark.django_db


def give(queue, user, answer):
    lease = leases.claim(queue, user)
    return labels.submit(lease.item, Actor(user), lease.token, answer).label


def test_a_lead_who_has_read_a_peers_answer_confirms_nothing_with_a_label(project, lead):
    queue = make_queue(project, overlap=2)
    (item,) = filled(queue, 1)
    his = give(queue, make_reviewer(project, "dan"), FAIL)
    assert lead.client.get(f"/projects/{project.slug}/adjudication/{item.pk}").status_code == 200
    hers = give(queue, lead.user, FAIL)
    assert not hers.blind
    assert in_figures(project) == [his.pk]
    resolution = ReviewItem.objects.get(pk=item.pk).resolution
    assert (resolution.method, resolution.confirmed) == ("majority", False)


@pytest.mark.parametrize("exposed", [False, True])
def test_a_leads_decision_confirms_only_what_was_labelled_unseen(project, lead, exposed):
    (item,) = filled(make_queue(project), 1)
    dan = make_reviewer(project, "dan")
    if exposed:
        Exposure.objects.create(user=dan, trace=item.trace)
    label = give(item.queue, dan, FAIL)
    assert label.blind != exposed
    assert resolutions.adjudicate(item, lead.user, verdict="fail").confirmed != exposed


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.LEAD])
def test_who_has_opened_a_trace_before_it_was_in_a_queue_does_not_label_it_blind(project, role):
    reader, other = person("reader", project, role), make_reviewer(project, "other")
    opened, unspoken, unopened = make_traces(project, 3)
    for trace in (opened, unopened):
        Score.objects.create(
            project=project, trace=trace, target_kind="trace", target_key=trace.trace_id, key=trace.trace_id,
            sha256=b"1" * 32, source="llm", name="quality", value=0.2, timestamp=START,
        )  # fmt: skip
    reader.client.get(f"/projects/{project.slug}/traces/{unspoken.trace_id}")
    assert reader.client.get(f"/projects/{project.slug}/traces/{opened.trace_id}").status_code == 200
    queue = make_queue(project, overlap=2)
    items.enqueue(queue, [opened.trace_id, unspoken.trace_id, unopened.trace_id])
    blind = {
        given.assignment.item.trace_id: given.blind
        for given in (give(queue, reader.user, PASS) for _ in "123")
    }
    assert blind == {opened.pk: False, unspoken.pk: True, unopened.pk: True}
    assert all(give(queue, other, PASS).blind for _ in "123")


def test_a_trace_that_is_still_to_judge_is_opened_without_exposure(project, reviewer):
    queue = make_queue(project)
    (item,) = filled(queue, 1)
    page = f"/projects/{project.slug}/traces/{item.trace.trace_id}"
    assert reviewer.client.get(page).status_code == 200
    assert not Exposure.objects.exists()
    assert give(queue, reviewer.user, PASS).blind
    reviewer.client.get(page)
    reviewer.client.get(page)
    assert [(each.user_id, each.trace_id) for each in Exposure.objects.all()] == [
        (reviewer.user.pk, item.trace_id)
    ]


def test_who_is_refused_a_decision_has_read_the_peers_all_the_same(project, lead):
    queue = make_queue(project, overlap=2)
    (item,) = filled(queue, 1)
    give(queue, make_reviewer(project, "dan"), FAIL)
    address = f"/projects/{project.slug}/adjudication/{item.pk}"
    assert lead.client.post(address, {"stands": "7", "verdict": "fail"}).status_code in (409, 422)
    assert not give(queue, lead.user, FAIL).blind
