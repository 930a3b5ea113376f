"""A judge that compares two answers: order by lot and stored, held against blind labels, moved by order."""

from __future__ import annotations

import json

import pytest
from django.db import IntegrityError, transaction

from evaluation.judges.judgments import judging, running
from evaluation.judges.making import versions
from evaluation.judges.models import PREFERENCE, Judgment, Kind
from evaluation.judges.pairwise import comparing
from evaluation.judges.pairwise.asking import NoPairs
from ingest.models import Project
from reviewapp.review.models import Queue, ReviewItem
from tests.conftest import Api, Person
from tests.evaluation.judges.pairwise.duels import RULES, judge, label, pairs
from tests.evaluation.judges.stub import Stub
from tests.reviewapp.review.making import make_traces

pytestmark = pytest.mark.django_db


def test_the_order_is_drawn_and_the_preference_is_the_pairs_own(project: Project) -> None:
    duel = pairs(project, 24)
    version = judge(project)
    assert running.on_queue(version, duel, "leo") == 24
    assert running.on_queue(version, duel, "leo") == 0
    judging.work(60)
    said = list(Judgment.objects.values_list("preference", "progress", "verdict"))
    assert set(Judgment.objects.values_list("order", flat=True)) == {"ab", "ba"}
    assert set(said) == {("a", "done", "")}
    assert running.on_queue(version, duel, "leo", both_orders=True) == 24
    judging.work(60)
    assert Judgment.objects.filter(trial=2, preference="a").count() == 24
    turned = {one.order + other.order for one in Judgment.objects.filter(trial=1)
              for other in Judgment.objects.filter(trial=2, item=one.item)}  # fmt: skip
    assert turned == {"abba", "baab"}


def test_it_is_held_against_blind_labels_alone(project: Project) -> None:
    duel = pairs(project, 10)
    version = judge(project)
    running.on_queue(version, duel, "leo")
    judging.work(60)
    label(duel, ["a", "a", "a", "b", "tie"])
    told = comparing.tell(version)
    assert (told["n"], told["agreement"]["value"], told["decided_agreement"]["value"]) == (5, 0.6, 0.75)
    assert told["agreement"]["low"] == pytest.approx(0.2307, abs=1e-4)
    assert told["excluded"] == {"not_labelled": 5}
    assert told["kappa"]["why_null"] == "30 pairs are needed"
    assert sum(sum(row["judge"].values()) for row in told["confusion"]) == 5
    first, second = comparing.disagreements(version)
    assert (first.people, second.people) == ("b", "tie")
    Queue.objects.filter(pk=duel.pk).update(blind=False)
    duel.refresh_from_db()
    label(duel, ["a", "a"], "paul")
    assert comparing.tell(version)["n"] == 5, "a label of an open queue enters no figure"


def test_a_judge_that_takes_the_first_one_is_seen(project: Project) -> None:
    duel = pairs(project, 40)
    version = judge(project, errors={"first": 0.6, "seed": "s"})
    running.on_queue(version, duel, "leo", both_orders=True)
    judging.work(60)
    position = comparing.tell(version)["position"]
    assert position["flips"]["n"] == 40
    assert 0.3 < position["flips"]["value"] < 0.9
    assert position["first"]["value"] == 1.0
    assert position["p"] < 0.001


@pytest.mark.parametrize(
    ("way", "progress", "by_order"),
    [
        ("first", "done", {"ab": "a", "ba": "b"}),
        ("second", "done", {"ab": "b", "ba": "a"}),
        ("both_bad", "done", {"ab": "both_bad", "ba": "both_bad"}),
        ("neither", "invalid", {"ab": "", "ba": ""}),
        ("good", "invalid", {"ab": "", "ba": ""}),
    ],
)
def test_a_model_is_asked_for_the_first_or_the_second(
    project: Project, stub: Stub, way: str, progress: str, by_order: dict[str, str]
) -> None:
    duel = pairs(project, 4)
    version = versions.create(project, "chooser", Kind.LITELLM, criterion=PREFERENCE, endpoint="orion")
    stub.ways = [way]
    running.on_queue(version, duel, "leo", both_orders=True)
    judging.work(60)
    rows = list(Judgment.objects.all())
    assert len(rows) == len(stub.calls) == 8
    assert {row.progress for row in rows} == {progress}
    assert all(row.preference == by_order[row.order] for row in rows)
    data = [json.loads(call["messages"][1]["content"].splitlines()[1]) for call in stub.calls]
    assert {each["first"] for each in data} == {"We look into it.", "We promise you a refund."}
    assert all(each["first"] != each["second"] for each in data)
    assert "prompt_version" not in json.dumps(data)


def test_pairs_and_traces_are_not_mixed_up(project: Project, other_project: Project) -> None:
    duel = pairs(project, 2)
    single = versions.create(project, "single", Kind.RULES, parameters=RULES)
    with pytest.raises(NoPairs):
        from evaluation.judges.pairwise import asking as pairwise

        pairwise.ask(single, duel, None)  # type: ignore[arg-type]
    theirs = judge(other_project)
    assert running.on_queue(theirs, None, "leo") == 0
    item = ReviewItem.objects.filter(queue=duel).first()
    assert item is not None
    with pytest.raises(IntegrityError, match="another project"), transaction.atomic():
        Judgment.objects.create(
            version=theirs,
            trace=make_traces(other_project, 1, prefix="z")[0],
            item=item,
            order="ab",
            origin="queue",
        )


def test_the_page_says_it_in_words(lead: Person, api: Api, project: Project) -> None:
    duel = pairs(project, 6)
    version = judge(project)
    address = "/projects/refunds/judges/chooser"
    assert "No pair has been both judged and labelled blind yet." in lead.client.get(address).content.decode()
    told = lead.client.post(
        f"/projects/refunds/judge-versions/{version.pk}/run",
        {"what": "queue", "queue": "duel", "both_orders": "on"},
        follow=True,
    )
    assert "12 to judge" in told.content.decode()
    judging.work(60)
    label(duel, ["a", "a", "a", "b"])
    page = lead.client.get(address).content.decode()
    assert "This judge agrees with people on 75 % of pairs" in page
    assert "20 pairs judged in both orders are needed (n = 6)" in page
    assert "Go live" not in page
    answer = api().get("/api/v1/judges/chooser/calibration").json()
    assert answer["pairwise"]["agreement"]["value"] == 0.75
    listed = api().get("/api/v1/judges").json()["judges"]
    assert (listed[0]["n"], listed[0]["agreement"]["value"]) == (4, 0.75)
