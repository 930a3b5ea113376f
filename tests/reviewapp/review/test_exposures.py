"""Who has seen what was said of a trace labels it, but not blind: also if that was before it was theirs."""

import pytest

from reviewapp.models import Role
from reviewapp.review import items, labels, leases
from reviewapp.review.actors import Actor
from reviewapp.review.models import Exposure, ReviewItem
from tests.conftest import person
from tests.reviewapp.review.making import (
    FAIL,
    PASS,
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


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.LEAD])
def test_who_has_opened_a_trace_before_it_was_in_a_queue_does_not_label_it_blind(project, role):
    reader, other = person("reader", project, role), make_reviewer(project, "other")
    opened, unopened = make_traces(project, 2)
    assert reader.client.get(f"/projects/{project.slug}/traces/{opened.trace_id}").status_code == 200
    queue = make_queue(project, overlap=2)
    items.enqueue(queue, [opened.trace_id, unopened.trace_id])
    blind = {
        given.assignment.item.trace_id: given.blind
        for given in (give(queue, reader.user, PASS) for _ in "12")
    }
    assert blind == {opened.pk: False, unopened.pk: True}
    assert all(give(queue, other, PASS).blind for _ in "12")


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
