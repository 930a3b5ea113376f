"""Leads put pairs into a queue from the browser, and read there which side won."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from ingest.models import Feedback, Trace, TraceRecord
from reviewapp.review import items, labels, leases, pairs, queues
from reviewapp.review.actors import Actor
from reviewapp.review.labels import Answer
from reviewapp.review.models import ReviewItem
from tests.reviewapp.review.making import START, make_queue, make_traces

pytestmark = pytest.mark.django_db


@pytest.fixture
def duel(project):
    """A queue of pairs, and three questions that two prompt versions answered."""
    for version in ("v3", "v4"):
        for trace in make_traces(project, 3, prefix=version):
            number = trace.trace_id[-1]
            trace.input, trace.output, trace.prompt_version = f"Question {number}", "an answer", version
            trace.save()
    return make_queue(project, "duel", kind="pair")


def send(client, queue, **fields):
    return client.post(reverse("add_pairs", args=[queue.project.slug, queue.slug]), fields, follow=True)


def test_two_versions_are_set_against_each_other_and_the_winner_shown(duel, lead, rita):
    told = send(lead.client, duel, column="prompt_version", first="v3", second="v4")
    assert "3 pairs were added" in told.content.decode()
    for _ in range(3):
        lease = leases.claim(duel, rita)
        labels.submit(lease.item, Actor(rita), lease.token, Answer(preference="a"))
    page = told.client.get(reverse("queue_settings", args=[duel.project.slug, "duel"])).content.decode()
    assert "v3 over v4" in page and "100 %" in page and "44 to 100 %, n = 3" in page


def test_pairs_come_from_a_list_too_and_odd_lines_are_named(duel, lead):
    lines = "v3-00000, v4-00001\nv3-00001\tv4-00002\nalone\nv3-00000 nowhere"
    page = send(lead.client, duel, lines=lines).content.decode()
    assert ReviewItem.objects.filter(queue=duel, kind="pair").count() == 2
    assert "2 pairs were added" in page and "alone" in page and "v3-00000 nowhere" in page


def test_lines_that_name_no_two_traces_stay_in_the_field_and_nothing_added_is_no_success(duel, lead):
    answer = send(lead.client, duel, lines="v3-00000 nowhere\nv3-00000 nowhere")
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "1 line does not name two traces of this project: v3-00000 nowhere" in page
    assert 'class="message success"' not in page and "added" not in page.split("<form")[0]
    assert answer.context["pairs_form"]["lines"].value() == "v3-00000 nowhere"
    answer = send(lead.client, duel, lines="v3-00000 v4-00000\nalone\nv4-00000 v4-00000")
    assert "1 pair was added." in answer.content.decode()
    assert "2 lines do not name two traces of this project" in answer.content.decode()
    assert answer.context["pairs_form"]["lines"].value() == "v4-00000 v4-00000\nalone"
    answer = send(lead.client, duel, lines="v3-00000 v4-00000")
    assert answer.status_code == 200 and answer.context["pairs_form"]["lines"].value() is None
    assert "No pair was added: 1 was already in it." in answer.content.decode()
    assert 'class="message success"' not in answer.content.decode()


def test_an_archived_queue_takes_no_pairs_and_the_lines_stay(duel, lead):
    queues.archive(duel)
    for fields in ({"lines": "v3-00000 v4-00000"}, {"first": "v3", "second": "v4"}):
        answer = send(lead.client, duel, **fields)
        assert answer.status_code == 422 and "This queue is archived" in answer.content.decode()
        assert {name: answer.context["pairs_form"][name].value() for name in fields} == fields
    assert not ReviewItem.objects.exists()


def test_the_address_of_refused_pairs_can_be_opened_again(duel, lead):
    answer = lead.client.get(reverse("add_pairs", args=[duel.project.slug, "duel"]))
    assert answer.url == reverse("queue_settings", args=[duel.project.slug, "duel"])


def test_an_answer_and_the_one_its_user_asked_for_instead(duel, lead, rita):
    traces = {trace.trace_id: trace for trace in Trace.objects.all()}
    for number, again in enumerate(["v4-00000", "v4-00001", "nowhere"]):
        Feedback.objects.create(
            project=duel.project, trace=traces[f"v3-0000{number}"], key=f"f{number}", kind="regenerate",
            occurred_at=START, payload={"next_trace_id": again}, target_kind="trace", sha256=b"1" * 32,
        )  # fmt: skip
    told = send(lead.client, duel, column="regenerated")
    assert "2 pairs were added" in told.content.decode()
    for preference in ("b", "tie"):
        lease = leases.claim(duel, rita)
        labels.submit(lease.item, Actor(rita), lease.token, Answer(preference=preference))
    page = told.client.get(reverse("queue_settings", args=[duel.project.slug, "duel"])).content.decode()
    assert "regenerated over first answer" in page and "n = 1" in page


def test_the_answer_asked_for_anew_may_stand_first_in_a_list(duel, rita):
    traces = {trace.trace_id: trace for trace in Trace.objects.all()}
    for number in range(3):
        Feedback.objects.create(
            project=duel.project, trace=traces[f"v3-0000{number}"], key=f"f{number}", kind="regenerate",
            occurred_at=START, payload={"next_trace_id": f"v4-0000{number}"}, target_kind="trace",
            sha256=b"1" * 32,
        )  # fmt: skip
    items.enqueue_pairs(duel, [("v4-00000", "v3-00000"), ("v3-00001", "v4-00001"), ("v4-00002", "v3-00002")])
    for _ in range(3):
        lease = leases.claim(duel, rita)
        labels.submit(lease.item, Actor(rita), lease.token, Answer(preference="a"))
    rate = pairs.regenerated_rate(duel)
    assert (rate.wins, rate.losses) == (2, 1)


def answered(queue, who, *preferences):
    for preference in preferences:
        lease = leases.claim(queue, who)
        labels.submit(lease.item, Actor(who), lease.token, Answer(preference=preference))


def test_the_win_rate_stands_beside_the_queue_and_on_its_page_for_leads(duel, lead, reviewer):
    send(lead.client, duel, column="prompt_version", first="v3", second="v4")
    slug = duel.project.slug
    assert "wins" not in lead.client.get(reverse("queues", args=[slug])).content.decode()
    answered(duel, reviewer.user, "a", "a", "tie")
    listed = lead.client.get(reverse("queues", args=[slug])).content.decode()
    assert "v3 wins 100 % over v4" in listed and "(34 to 100 %, n = 2)" in listed
    page = lead.client.get(reverse("queue_items", args=[slug, "duel"])).content.decode()
    assert 'id="won"' in page and "95 % interval 34 to 100 %, n = 2" in page and "Prompt version" in page
    assert 'aria-label="Win rates"' not in page, "the section around the table has this name"
    assert "v3 wins" not in reviewer.client.get(reverse("queues", args=[slug])).content.decode()


def test_routes_are_compared_only_where_prompt_and_model_are_the_same(duel, rita):
    Trace.objects.filter(trace_id__in=["v3-00000", "v3-00002"]).update(route="orders")
    Trace.objects.exclude(trace_id__in=["v3-00000", "v3-00002"]).update(route="product")
    items.enqueue_pairs(duel, [("v3-00000", "v4-00000"), ("v3-00001", "v4-00001")])
    answered(duel, rita, "a", "b")
    assert [(rate.column, rate.n) for rate in pairs.win_rates(duel)] == [("prompt_version", 2)]
    Trace.objects.filter(trace_id="v4-00002").update(prompt_version="v3")
    items.enqueue_pairs(duel, [("v3-00002", "v4-00002")])
    answered(duel, rita, "tie")
    assert len(pairs.win_rates(duel)) == 1, "nothing has won of the two routes"


def test_the_list_of_queues_asks_no_more_for_more_queues_of_pairs(duel, lead, rita):
    send(lead.client, duel, column="prompt_version", first="v3", second="v4")
    answered(duel, rita, "a")
    with CaptureQueriesContext(connection) as one:
        pairs.win_rates_of([duel.pk])
    second = make_queue(duel.project, "second", kind="pair")
    items.enqueue_pairs(second, [("v3-00000", "v4-00000")])
    answered(second, rita, "a")
    with CaptureQueriesContext(connection) as both:
        assert len(pairs.win_rates_of([duel.pk, second.pk])) == 2
    assert len(one) == len(both) == 2


def test_of_a_long_list_it_is_said_what_was_not_read(duel, lead, monkeypatch):
    monkeypatch.setattr(pairs, "MOST", 2)
    lines = "v3-00000 v4-00000\nv3-00001 v4-00001\nv3-00002 v4-00002"
    page = send(lead.client, duel, lines=lines).content.decode()
    assert "2 pairs were added" in page and "the first 2 pairs were read; 1 is left" in page
    assert "not name two traces" not in page and ">\nv3-00002 v4-00002</textarea>" in page


def test_two_that_were_asked_differently_stand_under_their_own_questions(duel, reviewer):
    items.enqueue_pairs(duel, [("v3-00000", "v4-00001"), ("v3-00002", "v4-00002")])
    address = reverse("review", args=[duel.project.slug, "duel"])
    apart = [trace.trace_id for trace in Trace.objects.filter(trace_id__in=["v3-00000", "v4-00001"])]
    page = reviewer.client.get(address).content.decode()
    assert all(page.count(f"question {name}") == 1 for name in apart)
    assert "The two questions differ" in page
    for name, asked in (("v3-00001", "Why  so LATE?"), ("v4-00001", "why so late?")):
        TraceRecord.objects.filter(trace__trace_id=name).update(body={"input": asked, "output": "an answer"})
    items.enqueue_pairs(duel, [("v3-00001", "v4-00001")])
    last = duel.items.get(trace__trace_id="v3-00001")
    reviewer.client.post(reverse("retake", args=[duel.project.slug, last.pk]))
    page = reviewer.client.get(reverse("item", args=[duel.project.slug, last.pk])).content.decode()
    assert "The two questions differ" not in page and page.lower().count("so late?") == 1


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"column": "model"}, "Name both sides"),
        ({"column": "prompt_version", "first": "v3", "second": "v3"}, "the same"),
        ({"column": "input", "first": "a", "second": "b"}, "valid choice"),
        ({"column": "prompt_version", "first": "v3", "second": "v9"}, "there is no pair"),
    ],
)
def test_what_cannot_be_paired_is_told(duel, lead, fields, words):
    answer = send(lead.client, duel, **fields)
    assert words in answer.content.decode() and answer.status_code == 422
    assert all(answer.context["pairs_form"][name].value() == value for name, value in fields.items())
    assert not ReviewItem.objects.filter(queue=duel).exists()


def test_pairs_stand_by_hand_among_the_traces_of_a_queue(queue, rita):
    """The API has no other word for a queue of pairs than that pairs were put into it."""
    first, second, third = make_traces(queue.project, 3)
    both = (first.trace_id, second.trace_id)
    assert len(items.enqueue_pairs(queue, [both]).added) == 1
    assert items.enqueue_pairs(queue, [both[::-1]]).known == ["t-00001 + t-00000"]
    lease = leases.claim(queue, rita)
    assert (lease.item.kind, lease.item.other_trace) == ("pair", second)
    labels.submit(lease.item, Actor(rita), lease.token, Answer(preference="tie"))
    route = items.Routed(first.pk, [{"code": "thumbs", "detail": ""}], {}, 0.5, True, None, START)
    assert items.from_routes(queue, [route]) == 1, "the pair is not taken for an item of its first trace"
    items.enqueue(queue, [third.trace_id])
    kinds = [leases.claim(queue, rita).item.kind for _ in range(2)]
    assert kinds == ["trace", "trace"]


def test_the_door_is_for_leads_and_reaches_no_other_project(
    duel, lead, reviewer, stranger, other_project, client
):
    assert send(reviewer.client, duel, lines="a b").status_code == 403
    assert send(stranger.client, duel, lines="a b").status_code == 404
    theirs = make_queue(other_project, "theirs", kind="pair")
    assert send(lead.client, theirs, lines="a b").status_code == 404
    told = send(lead.client, duel, lines="v3-00000 v4-00000")
    assert "1 pair was added" in told.content.decode()
