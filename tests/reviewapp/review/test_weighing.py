"""The people on an item together: the careful weigh more than the careless, tokens nothing."""

import pytest

from ingest import tokens
from ingest.models import Scope
from reviewapp.review import labels, leases, reviewers, weighing
from reviewapp.review.actors import Actor
from reviewapp.review.labels import Answer
from tests.reviewapp.review.making import filled, make_queue, make_reviewer, reload

pytestmark = pytest.mark.django_db


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
    page = lead.client.get(f"/projects/refunds/adjudication/{panel.pk}").content.decode()
    assert "Majority: pass" in page and "Weighed by how each labels: fail" in page


def test_fewer_than_three_people_and_tokens_are_not_weighed(project, rita, paul):
    queue = make_queue(project, overlap=3)
    (item,) = filled(queue, 1)
    give(item, rita, "fail")
    give(item, paul, "pass")
    robot = reviewers.of_token(tokens.issue(project, "robot", [Scope.LABELS_WRITE]).token)
    give(item, robot, "pass")
    assert weighing.weigh(reload(item)) is None
