"""The people on an item together: the careful weigh more than the careless, tokens nothing."""

import pytest

from ingest import tokens
from ingest.models import Scope
from reviewapp.review import items, labels, leases, reviewers, weighing
from reviewapp.review.actors import Actor
from reviewapp.review.labels import Answer
from reviewapp.review.models import Via
from tests.reviewapp.review.making import filled, make_queue, make_reviewer, make_traces, reload

pytestmark = pytest.mark.django_db


def page_of(lead, item):
    return lead.client.get(f"/projects/refunds/adjudication/{item.pk}").content.decode()


def give(item, person, verdict):
    lease = leases.reclaim(reload(item), person)
    labels.submit(lease.item, Actor(person), lease.token, Answer(verdict=verdict))


@pytest.fixture
def panel(project):
    """Two who are careful and three who are mostly wrong, over 30 items; the last is split between them."""
    queue = make_queue(project, overlap=5)
    made = filled(queue, 30)
    careful = [make_reviewer(project, f"careful{n}") for n in range(2)]
    careless = [make_reviewer(project, f"careless{n}") for n in range(3)]
    for n, item in enumerate(made[:-1]):
        truth, wrong = ("fail", "pass") if n % 3 == 0 else ("pass", "fail")
        for person in careful:
            give(item, person, truth)
        for place, person in enumerate(careless):
            give(item, person, wrong if (n + place) % 3 else truth)
    for person in careful:
        give(made[-1], person, "fail")
    for person in careless:
        give(made[-1], person, "pass")
    return made[-1]


def test_two_careful_ones_outweigh_three_careless_and_the_lead_sees_it(panel, lead):
    found = weighing.weigh(reload(panel))
    assert found.said == "fail" and found.percent > 60 and found.items == 30
    page = page_of(lead, panel)
    assert "Majority: pass" in page and "Weighed by how each labels: fail" in page
    assert found.unsure == 0 and "could not tell" not in page


@pytest.fixture
def trio(project):
    """An empty queue for three, and its people: the third was wrong in half of what all three labelled."""
    queue = make_queue(project, overlap=3)
    people = [make_reviewer(project, name) for name in ("ada", "ben", "carl")]
    for n, item in enumerate(filled(queue, 24)):
        truth, wrong = ("fail", "pass") if n % 3 == 0 else ("pass", "fail")
        for person, said in zip(people, (truth, truth, wrong if n % 2 else truth), strict=True):
            give(item, person, said)
    return queue, people


def one_more(trio, *verdicts, named="more"):
    queue, people = trio
    (trace,) = make_traces(queue.project, 1, prefix=named)
    (item,) = items.enqueue(queue, [trace.trace_id]).added
    for person, verdict in zip(people, verdicts, strict=False):
        give(item, person, verdict)
    return item


def test_where_one_of_three_could_not_tell_the_others_are_weighed_and_the_lead_reads_so(trio, lead):
    item = one_more(trio, "cannot_tell", "fail", "pass")
    assert reload(item).adjudication_reason == "cannot_tell"
    found = weighing.weigh(reload(item))
    assert (found.said, found.items, found.unsure) == ("fail", 25, 1) and found.percent > 60
    page = " ".join(page_of(lead, item).split())
    assert f"Weighed by how each labels: fail, {found.percent} % likely; 1 person could not tell" in page


@pytest.mark.parametrize("verdicts", [("cannot_tell", "cannot_tell", "fail"), ("pass", "fail")])
def test_one_voice_and_two_people_are_not_weighed(trio, verdicts):
    assert weighing.weigh(reload(one_more(trio, *verdicts))) is None


def test_who_could_not_tell_says_nothing_of_the_other_items(trio):
    settled = one_more(trio, "cannot_tell", "fail", "pass")
    before = weighing.weigh(reload(settled))
    one_more(trio, "cannot_tell", "cannot_tell", "cannot_tell", named="unclear")
    assert weighing.weigh(reload(settled)) == before


def test_fewer_than_three_people_and_tokens_are_not_weighed(project, rita, paul):
    queue = make_queue(project, overlap=3)
    (item,) = filled(queue, 1)
    give(item, rita, "fail")
    give(item, paul, "pass")
    robot = reviewers.of_token(tokens.issue(project, "robot", [Scope.LABELS_WRITE]).token)
    give(item, robot, "pass")
    assert weighing.weigh(reload(item)) is None


@pytest.mark.parametrize("trusted", [False, True])
def test_a_token_in_peoples_names_is_weighed_where_it_is_trusted_alone(trio, project, trusted):
    item = one_more(trio)
    sheet = tokens.issue(project, "sheet", [Scope.IMPERSONATE], trusted_for_reviews=trusted).token
    for person, said in zip(trio[1], ("fail", "fail", "pass"), strict=True):
        lease = leases.reclaim(reload(item), person)
        actor = Actor(person, Via.API, sheet, impersonated=True)
        labels.submit(lease.item, actor, lease.token, Answer(verdict=said))
    assert (weighing.weigh(reload(item)) is not None) == trusted
