"""Audit and judge rates: kept by volume, set by hand, boosted; always by new rows, never backwards."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from ingest import rates, sampling
from ingest.models import Cause, SamplingRate, Trace
from ingest.rates import Refused

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)
DAY = timedelta(days=1)


def traffic(project, route, number, *, days=7.0, environment=""):
    step = timedelta(days=days) / number
    Trace.objects.bulk_create(
        [
            Trace(
                project=project,
                trace_id=f"{route}-{environment}-{index}",
                started_at=NOW - step * (index + 1),
                route=route,
                environment=environment,
            )
            for index in range(number)
        ]
    )


def rows(project, stratum=""):
    found = SamplingRate.objects.filter(project=project, stratum=stratum).order_by("effective_from")
    return [(row.cause, round(row.audit, 4), round(row.judge, 4)) for row in found]


def age(project, days):
    """As if all that was set had been set so many days before."""
    for row in SamplingRate.objects.filter(project=project).order_by("effective_from"):
        SamplingRate.objects.filter(pk=row.pk).update(effective_from=row.effective_from - days * DAY)


@pytest.mark.parametrize(
    ("per_day", "shares"),
    [(0, (1, 0.1)), (100, (1, 0.1)), (1000, (0.1, 0.1)), (100_000, (0.001, 0.1)), (101, (0.99, 0.01))],
)
def test_the_volume_asks_for_a_hundred_labels_a_day(per_day, shares):
    assert rates.suggested(per_day) == pytest.approx(shares)


@given(some.floats(min_value=0, max_value=1e9))
def test_whatever_the_volume_the_shares_fit_together(per_day):
    audit, judge = rates.suggested(per_day)
    assert 0 < audit <= 1
    assert 0 <= judge <= 0.1


def test_widths_of_a_hundred_labels_a_day():
    effect = rates.effect(10_000, 0.01, 0.1)
    # 700 labels in a week: Wilson at .1; of them 70 failures: Wilson at .5
    assert (effect.labels_a_day, effect.judged_a_day) == (pytest.approx(100), pytest.approx(1000))
    assert effect.rate_width == pytest.approx(0.0223, abs=5e-5)
    assert effect.tpr_width == pytest.approx(0.1140, abs=5e-4)
    assert rates.effect(10, 0.01, 0.1).rate_width is None
    assert rates.effect(100, 1.0, 0.1).judged_a_day == 0


def test_the_daily_job_keeps_large_strata_and_leaves_small_ones(project):
    traffic(project, "refund", 1050)
    traffic(project, "orders", 70)
    traffic(project, "trial", 800, environment="experiment")
    assert rates.keep_daily() == 1
    ((cause, audit, judge),) = rows(project, "refund")
    assert (cause, audit, judge) == ("daily", pytest.approx(0.667, abs=0.002), 0.1)
    assert "labels a day" in SamplingRate.objects.get().reason
    assert rates.keep_daily() == 0


def test_it_follows_the_volume_at_most_once_a_day_and_by_a_new_row(project):
    traffic(project, "", 1400)
    rates.keep_daily()
    first = SamplingRate.objects.values().get()
    traffic(project, "", 1400, environment="eu")
    assert rates.keep_daily() == 0
    age(project, 1.1)
    assert rates.keep_daily() == 1
    assert [audit for _, audit, _ in rows(project)] == pytest.approx([0.5, 0.25], abs=0.002)
    assert (
        SamplingRate.objects.values("audit", "judge", "reason").get(pk=first["id"])["audit"] == first["audit"]
    )
    age(project, 1.1)
    assert rates.keep_daily() == 0, "the volume is the same"


def test_what_was_set_by_hand_is_never_overwritten_until_it_is_handed_back(project):
    traffic(project, "", 1400)
    rates.set_by_hand(project, "", 0.05, 0.2, by="leo", reason="tight week")
    age(project, 3)
    assert rates.keep_daily() == 0
    rates.boost(project, "", 2, 1, by="leo")
    age(project, 3)
    assert rates.keep_daily() == 0, "what a boost comes back to is still by hand"
    rates.hand_back(project, "", by="leo")
    assert rows(project)[-1][:2] == ("daily", pytest.approx(0.5, abs=0.002))
    traffic(project, "", 1400, environment="eu")
    age(project, 1.1)
    assert rates.keep_daily() == 1


def test_a_boost_multiplies_for_some_hours_and_ends_by_itself(project):
    rates.set_by_hand(project, "", 0.05, 0.1, by="leo")
    before = sampling.Rates([(project.pk, "")], NOW)
    rates.boost(project, "", 5, 2, by="leo", reason="release")
    assert rows(project) == [("manual", 0.05, 0.1), ("boost", 0.25, 0.1), ("boost_end", 0.05, 0.1)]
    assert SamplingRate.objects.get(cause="boost_end").reason == "the boost is over, 5 times for 2 h: release"
    at = SamplingRate.objects.get(cause=Cause.BOOST).effective_from
    in_force = sampling.Rates([(project.pk, "")], at)
    audits = [
        in_force.in_force(project.pk, "", at + timedelta(hours=hours)).audit for hours in (0, 1.9, 2, 99)
    ]
    assert audits == [0.25, 0.25, 0.05, 0.05]
    assert before.in_force(project.pk, "", at - timedelta(milliseconds=1)).audit == 0.05
    with pytest.raises(Refused, match="running"):
        rates.boost(project, "", 5, 2, by="leo")


def test_a_rate_set_while_a_boost_runs_outlasts_it(project):
    rates.set_by_hand(project, "", 0.05, 0.1, by="leo")
    rates.boost(project, "", 5, 2, by="leo")
    rates.set_by_hand(project, "", 0.5, 0.1, by="leo")
    rates.set_by_hand(project, "", 0.4, 0.1, by="leo")
    far = sampling.Rates([(project.pk, "")], NOW)
    now = SamplingRate.objects.get(cause=Cause.BOOST_END).effective_from - timedelta(hours=1)
    assert [far.in_force(project.pk, "", now + timedelta(hours=hours)).audit for hours in (0, 0.5, 2)] == [
        0.4
    ] * 3


@pytest.mark.parametrize(
    ("audit", "factor", "hours"), [(1, 2, 1), (0, 2, 1), (0.1, 1, 1), (0.1, 2, 0), (0.1, 2, 10_000)]
)
def test_a_boost_that_cannot_be_is_refused(project, audit, factor, hours):
    rates.set_by_hand(project, "", audit, 0, by="leo")
    with pytest.raises(Refused):
        rates.boost(project, "", factor, hours, by="leo")
    assert SamplingRate.objects.count() == 1


@pytest.mark.parametrize("shares", [(-0.1, 0), (1.1, 0), (0, 2), (float("nan"), 0)])
def test_shares_lie_between_nothing_and_everything(project, shares):
    with pytest.raises(Refused):
        rates.set_by_hand(project, "", *shares, by="leo")


def test_only_rates_that_can_matter_are_read(project, django_assert_num_queries):
    for days in range(50, 0, -1):
        SamplingRate.objects.create(
            project=project, stratum="", audit=days / 100, judge=0, effective_from=NOW - days * DAY
        )
    with django_assert_num_queries(1):
        known = sampling.Rates([(project.pk, ""), (project.pk, "other")], NOW - 2.5 * DAY)
    assert len(known.newest_first[project.pk, ""]) == 3
    assert known.in_force(project.pk, "", NOW - 2.5 * DAY).audit == 0.03
    assert known.in_force(project.pk, "other", NOW) is None


def test_volumes_of_one_project_are_not_those_of_another(project, other_project):
    traffic(other_project, "theirs", 10)
    assert rates.volumes(project) == []
    assert rates.strata(project) == []
