"""Which labels count for the agreement of people, under which criterion, and in which week."""

from datetime import UTC, datetime, timedelta

import pytest

from evaluation.people import agreement
from ingest import tokens
from ingest.models import ApiToken, Scope, Trace
from reviewapp.review import items, labels, leases, queues, reviewers, rubrics
from reviewapp.review.actors import Actor
from reviewapp.review.answers import Answer
from reviewapp.review.models import Lane, ReviewItem, Via
from tests.reviewapp.review.making import FAIL, PASS, UNSURE, make_queue, make_reviewer, make_traces

pytestmark = pytest.mark.django_db
PAGE = "/projects/refunds/reviewers/agreement"


@pytest.fixture
def people(project):
    return [make_reviewer(project, name) for name in ("ruth", "pavel", "vito")]


@pytest.fixture
def audited(project):
    """Makes drawn items of a queue with overlap two, oldest week first."""

    def make(number, queue=None, lane=Lane.AUDIT):
        queue = queue or make_queue(project, overlap=2)
        added = items.enqueue(queue, [t.trace_id for t in make_traces(project, number, queue.slug)]).added
        if lane == Lane.AUDIT:
            drawn = ReviewItem.objects.filter(pk__in=[item.pk for item in added])
            drawn.update(lane=lane, audit_rank=1.0, u=0.1, day="2026-09-01")
        return added

    return make


def say(project, item, person, answer, **provenance):
    lease = leases.reclaim(items.find(project, item.pk), person)
    return labels.submit(lease.item, Actor(person, **provenance), lease.token, answer)


def both_say(project, item, people, *answers):
    for person, answer in zip(people, answers, strict=False):
        say(project, item, person, answer)


def test_items_answered_twice_count_and_others_do_not(project, other_project, audited, people):
    first, second, third, fourth, alone = audited(5)
    both_say(project, first, people, PASS, PASS)
    both_say(project, second, people, FAIL, FAIL)
    both_say(project, third, people, PASS, FAIL)
    both_say(project, fourth, people, PASS, UNSURE)
    say(project, alone, people[0], FAIL)
    told = agreement.tell(project, 90)
    assert (told.n, told.criteria[0].concord.agreement.value) == (3, pytest.approx(2 / 3))
    assert told.criteria[0].needed is not None
    assert agreement.tell(other_project, 90).n == 0


def test_what_rules_chose_counts_only_where_it_is_asked_for(project, audited, people):
    (item,) = audited(1, lane=Lane.RISK)
    both_say(project, item, people, PASS, PASS)
    assert agreement.tell(project, 90).n == 0
    assert agreement.tell(project, 90, "all").n == 1


def test_repeats_open_queues_and_second_thoughts_do_not_count(project, audited, people):
    repeat, shown = audited(2)
    ReviewItem.objects.filter(pk=repeat.pk).update(purpose="repeat", original_id=shown.pk)
    both_say(project, repeat, people, PASS, PASS)
    queues.change(shown.queue, blind=False)
    both_say(project, shown, people, PASS, PASS)
    assert agreement.tell(project, 90).n == 0


def test_what_a_token_says_for_people_counts_only_where_it_is_trusted(project, audited, people):
    own, spoken_for = audited(2)
    both_say(project, own, people, PASS, PASS)
    token = tokens.issue(project, "bridge", [Scope.IMPERSONATE]).token
    say(project, spoken_for, people[0], PASS)
    say(project, spoken_for, people[1], FAIL, via=Via.API, token=token, impersonated=True)
    told = agreement.tell(project, 90)
    assert (told.n, told.criteria[0].concord.agreement.value) == (1, 1.0)
    assert [week.verdict.n for week in told.weeks] == [1]
    ApiToken.objects.update(trusted_for_reviews=True)
    told = agreement.tell(project, 90)
    assert (told.n, told.criteria[0].concord.agreement.value) == (2, 0.5)


def test_a_tokens_own_labels_are_no_persons(project, audited, people):
    """Neither as the second voice on an item nor as a third that differs from two people."""
    token = tokens.issue(project, "robot", [Scope.LABELS_WRITE]).token
    robot = reviewers.of_token(token)
    (beside_one,) = audited(1)
    (beside_two,) = audited(1, make_queue(project, "threefold", overlap=3))
    say(project, beside_one, people[0], PASS)
    both_say(project, beside_two, people, FAIL, FAIL)
    for item in (beside_one, beside_two):
        say(project, item, robot, PASS, via=Via.API, token=token)
    told = agreement.tell(project, 90)
    assert (told.n, told.criteria[0].concord.agreement.value) == (1, 1.0)


def test_criteria_are_compared_by_their_answers(project, audited, people):
    rubric = rubrics.create_starter(project).rubric
    key = next(
        each.key
        for each in rubric.versions.get().criteria.all()
        if each.type == "pass_fail" and each.key != "verdict"
    )
    (item,) = audited(1)
    both_say(
        project,
        item,
        people,
        Answer(verdict="fail", answers={key: "fail"}),
        Answer(verdict="fail", answers={key: "pass"}),
    )
    verdict, criterion = agreement.tell(project, 90).criteria
    assert (verdict.concord.agreement.value, criterion.concord.agreement.value) == (1.0, 0.0)
    assert criterion.title != "verdict"


def test_weeks_are_those_of_the_traces_and_none_is_left_out(project, audited, people):
    first, second = audited(2)
    Trace.objects.filter(pk=first.trace_id).update(started_at=datetime(2026, 9, 2, tzinfo=UTC))
    Trace.objects.filter(pk=second.trace_id).update(started_at=datetime(2026, 9, 16, tzinfo=UTC))
    both_say(project, first, people, PASS, PASS)
    both_say(project, second, people, PASS, FAIL)
    weeks = agreement.tell(project, 90).weeks
    assert [(week.start.isoformat(), week.verdict.n) for week in weeks] == [
        ("2026-08-31", 1), ("2026-09-07", 0), ("2026-09-14", 1),
    ]  # fmt: skip


def test_every_week_of_the_chart_has_its_n_and_a_row_in_the_table(project, audited, people, lead):
    """Of ten weeks not each has its name; the n of those between is told all the same."""
    made = audited(10)
    for place, item in enumerate(made):
        started = datetime(2026, 9, 2, tzinfo=UTC) + timedelta(weeks=place)
        Trace.objects.filter(pk=item.trace_id).update(started_at=started)
        both_say(project, item, people, PASS, PASS)
    answer = lead.client.get(PAGE)
    places = answer.context["chart"].places
    assert [place.is_labelled for place in places].count(False) == 5
    assert [(place.n, place.is_counted) for place in places] == [(1, True)] * 10
    page = answer.content.decode()
    table = page[
        page.index('<details class="values">') : page.index("</details>", page.index('class="values"'))
    ]
    assert table.count("<tr>") == 11
    assert "2 Sep 2026" not in table and "31 Aug 2026" in table and "2 Nov 2026" in table


def test_leads_open_it_and_others_do_not(project, lead, owner, reviewer, stranger, audited, people):
    (item,) = audited(1)
    both_say(project, item, people, PASS, FAIL)
    for person in (lead, owner):
        page = person.client.get(PAGE, {"measure": "agreement"})
        assert page.status_code == 200
        assert "1 items answered" in page.content.decode()
    assert reviewer.client.get(PAGE).status_code == 403
    assert stranger.client.get(PAGE).status_code == 404
    part = lead.client.get(PAGE, headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith("<section") and "<html" not in part
    assert (
        'hx-get="/projects/refunds/reviewers/agreement"'
        in lead.client.get("/projects/refunds/reviewers").content.decode()
    )
    assert "reviewers/agreement" not in reviewer.client.get("/projects/refunds/reviewers").content.decode()


def test_odd_choices_fall_back(project, lead):
    page = lead.client.get(PAGE, {"measure": "x", "sample": "\0", "days": "-1"})
    assert page.status_code == 200
    assert "No item was answered by two people" in page.content.decode()


def test_the_page_asks_as_much_for_many_criteria_as_for_few(
    project, lead, audited, people, django_assert_max_num_queries
):
    for item in audited(3):
        both_say(project, item, people, PASS, FAIL)
    with django_assert_max_num_queries(9):
        lead.client.get(PAGE)
