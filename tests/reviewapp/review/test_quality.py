"""Hidden repeats and known items, and what Dawid and Skene make of several reviewers."""

import random
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from reviewapp.review import dawid_skene, labels, leases, pairs, repeats, reviewers
from reviewapp.review.actors import Actor
from reviewapp.review.models import Assignment, Resolution, ReviewItem
from tests.reviewapp.review.making import (
    FAIL,
    PASS,
    assert_sound,
    filled,
    in_figures,
    make_queue,
    make_reviewer,
    make_traces,
    reload,
)


@pytest.mark.django_db
def test_a_share_of_ones_own_labels_comes_again_once_and_settles_nothing(queue, rita, paul, monkeypatch):
    monkeypatch.setattr(repeats, "SHARE", 1.0)
    filled(queue, 3)
    for _ in range(3):
        lease = leases.claim(queue, rita)
        labels.submit(lease.item, Actor(rita), lease.token, PASS)
    assert repeats.plan() == 0
    Assignment.objects.update(submitted_at=Now() - timedelta(days=8))
    assert repeats.plan() == 3
    assert repeats.plan() == 0
    assert leases.claim(queue, paul) is None
    again = leases.claim(queue, rita)
    assert again.item.purpose == "repeat" and again.item.snapshot is not None
    before = Resolution.objects.count()
    labels.submit(again.item, Actor(rita), again.token, FAIL)
    assert Resolution.objects.count() == before
    assert len(in_figures(queue.project)) == 3
    (pace,) = reviewers.paces(queue.project)
    assert (pace.repeats, pace.repeats_same) == (1, 0)
    assert_sound(queue.project)


@pytest.mark.django_db
def test_known_items_come_to_those_who_have_not_seen_them(project, rita, paul, monkeypatch):
    monkeypatch.setattr(repeats, "KNOWN_SHARE", 0.5)
    queue = make_queue(project, overlap=2)
    filled(queue, 2)
    eve = make_reviewer(project, "eve")
    for person in (rita, paul):
        for _ in range(2):
            lease = leases.claim(queue, person)
            labels.submit(lease.item, Actor(person), lease.token, FAIL)
    more = make_queue(project, "more")
    filled(more, 1)
    ReviewItem.objects.filter(queue=more).update(queue=queue)
    lease = leases.claim(queue, eve)
    labels.submit(lease.item, Actor(eve), lease.token, PASS)
    monkeypatch.setattr(repeats, "KNOWN_SHARE", 1.0)
    assert repeats.plan() >= 1
    known = ReviewItem.objects.get(purpose="known", reserved_for=[eve.pk])
    lease = leases.claim(queue, eve)
    assert lease.item.pk == known.pk
    labels.submit(lease.item, Actor(eve), lease.token, FAIL)
    pace = next(pace for pace in reviewers.paces(project) if pace.username == "eve")
    assert (pace.known, pace.known_right) == (1, 1)


@pytest.mark.django_db
def test_nobody_is_given_as_known_what_they_have_labelled(project, rita, paul, monkeypatch):
    """Of three items each has labelled two: the third alone can come to them."""
    monkeypatch.setattr(repeats, "KNOWN_SHARE", 1.0)
    people = {rita, paul, make_reviewer(project, "eve")}
    new_to = dict(zip(people, filled(make_queue(project, overlap=2), 3), strict=True))
    for outsider, item in new_to.items():
        for person in people - {outsider}:
            lease = leases.reclaim(reload(item), person)
            labels.submit(lease.item, Actor(person), lease.token, FAIL)
    assert (repeats.plan(), repeats.plan()) == (3, 0)
    known = ReviewItem.objects.filter(purpose="known").values_list("reserved_for", "original_id")
    assert {who: original for (who,), original in known} == {
        person.pk: item.pk for person, item in new_to.items()
    }


def test_dawid_and_skene_trust_the_careful_ones():
    chance = random.Random(5)
    truth = {n: "fail" if chance.random() < 0.3 else "pass" for n in range(400)}
    skill = {"a": 0.95, "b": 0.95, "c": 0.55, "d": 0.55, "e": 0.55}

    def says(who, real):
        return real if chance.random() < skill[who] else ("pass" if real == "fail" else "fail")

    said = {n: {who: says(who, real) for who in skill} for n, real in truth.items()}
    found = dawid_skene.estimate(said, ("fail", "pass"))
    right = sum(found.verdict(n) == real for n, real in truth.items())
    majority = sum(
        (list(votes.values()).count("fail") > 2) == (truth[n] == "fail") for n, votes in said.items()
    )
    assert right > majority and right / 400 > 0.93
    assert found.confusion["a"][0][0] > 0.85 > found.confusion["c"][0][0]
    assert all(abs(sum(row) - 1) < 1e-9 for row in found.posterior.values())


def test_dawid_and_skene_know_how_often_each_of_three_is_right():
    chance = random.Random(5)
    truth = {f"i{n}": chance.random() < 0.3 for n in range(300)}
    skill = {"a": 0.95, "b": 0.9, "c": 0.55}
    said = {
        item: {who: "fail" if (chance.random() < right) == fails else "pass" for who, right in skill.items()}
        for item, fails in truth.items()
    }
    found = dawid_skene.estimate(said, ("fail", "pass"))
    assert sum((found.posterior[item][0] > 0.5) == fails for item, fails in truth.items()) >= 280
    assert found.confusion["c"][0][0] < found.confusion["a"][0][0]


def test_three_who_never_label_the_same_are_too_few():
    assert dawid_skene.estimate({n: {who: "fail"} for n, who in enumerate("abc")}, ("fail", "pass")).why_null


def test_two_reviewers_are_too_few():
    assert dawid_skene.estimate({1: {"a": "fail", "b": "pass"}}, ("fail", "pass")).why_null


@pytest.mark.django_db
def test_pairs_of_one_question_and_their_win_rate(project, rita):
    queue = make_queue(project, "pairs", kind="pair")
    for version, words in (("v1", "Where  is it?"), ("v2", " where is IT? ")):
        make_traces(project, 1, prefix=version, prompt_version=version, input=words, output="a")
        make_traces(project, 1, prefix=f"{version}-x", prompt_version=version, input=version, output="a")
    assert pairs.find(project, "prompt_version", "v1", "v2") == [("v1-00000", "v2-00000")]
    with pytest.raises(ValueError, match="one of"):
        pairs.find(project, "input; DROP TABLE x", "v1", "v2")
    assert len(pairs.enqueue(queue, "prompt_version", "v1", "v2").added) == 1
    assert pairs.win_rate(queue, "prompt_version", "v1", "v2").why_null
    lease = leases.claim(queue, rita)
    labels.submit(lease.item, Actor(rita), lease.token, labels.Answer(preference="b"))
    rate = pairs.win_rate(queue, "prompt_version", "v2", "v1")
    assert (rate.value, rate.n, rate.high) == (1.0, 1, 1.0) and 0.2 < rate.low < 0.21
    assert pairs.win_rate(queue, "prompt_version", "v1", "v2").value == 0.0
