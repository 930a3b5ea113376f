"""The pages of rules and rates: who may open them, what they say, and that forms work without a script."""

import pytest
from django.test import Client

from ingest import rates
from ingest.models import SamplingRate, Trace
from ingest.routing import rules
from ingest.routing.models import RoutingRule
from tests.ingest.routing.stories import NOW, settled

pytestmark = pytest.mark.django_db
PAGE = "/projects/refunds/routing"
RATES = "/projects/refunds/rates"


def fields(*conditions, **given):
    """What the editor sends."""
    sent = {"name": "Low tone", "queue": "review", "match": "all", "severity": "2", "share": "1"} | given
    for index, values in enumerate(conditions):
        sent |= {f"c{index}-{name}": value for name, value in values.items()}
    return sent


LOW_TONE = {"condition": "score_below", "name": "tone", "threshold": ".5"}


def test_leads_open_the_pages_and_others_do_not(project, owner, lead, reviewer, stranger):
    rule = rules.create_default_rules(project)[0]
    doors = [PAGE, f"{PAGE}/new", f"{PAGE}/{rule.pk}", RATES, f"{RATES}/stratum?stratum=refund"]
    for door in doors:
        assert owner.client.get(door).status_code == 200, door
        assert lead.client.get(door).status_code == 200, door
        assert reviewer.client.get(door).status_code == 403, door
        assert stranger.client.get(door).status_code == 404, door
        assert Client().get(door).status_code == 302, door
    for door in ("move", "switch", "delete"):
        assert reviewer.client.post(f"{PAGE}/{rule.pk}/{door}").status_code == 403
        assert stranger.client.post(f"{PAGE}/{rule.pk}/{door}").status_code == 404
    for door in (f"{PAGE}/defaults", f"{RATES}/boost", f"{RATES}/by-volume"):
        assert reviewer.client.post(door).status_code == 403
        assert stranger.client.post(door).status_code == 404
    assert RoutingRule.objects.count() == 5


def test_a_rule_of_another_project_is_not_there(lead, other_project):
    theirs = rules.create_default_rules(other_project)[0]
    assert lead.client.get(f"{PAGE}/{theirs.pk}").status_code == 404
    for door in ("", "/move", "/switch", "/delete"):
        assert lead.client.post(f"{PAGE}/{theirs.pk}{door}", fields(LOW_TONE)).status_code == 404
    assert RoutingRule.objects.count() == 5


def test_a_project_without_rules_is_offered_the_starter_rules(project, lead):
    assert b"No rules yet" in lead.client.get(PAGE).content
    assert lead.client.post(f"{PAGE}/defaults").status_code == 302
    page = lead.client.get(PAGE).content.decode()
    assert "Drawn for audit" in page
    assert "Score below: threshold .5" in page
    lead.client.post(f"{PAGE}/defaults")
    assert RoutingRule.objects.count() == 5


def test_a_rule_is_made_step_by_step_without_a_script(project, lead):
    page = lead.client.post(
        f"{PAGE}/new", fields(add="1") | {"new-condition": "score_below"}
    ).content.decode()
    assert 'name="c0-threshold" value=".5"' in page
    grown = fields(LOW_TONE, add="1") | {"new-condition": "thumbs_down"}
    page = lead.client.post(f"{PAGE}/new", grown).content.decode()
    assert 'name="c1-condition" value="thumbs_down"' in page
    page = lead.client.post(
        f"{PAGE}/new", fields(LOW_TONE, {"condition": "error"}, remove="0")
    ).content.decode()
    assert 'name="c0-condition" value="error"' in page
    assert not RoutingRule.objects.exists()
    assert lead.client.post(f"{PAGE}/new", fields(LOW_TONE)).status_code == 302
    rule = RoutingRule.objects.get()
    assert (rule.name, rule.severity, rule.project) == ("Low tone", 2.0, project)
    assert rule.conditions == [{"condition": "score_below", "name": "tone", "threshold": 0.5}]


def test_a_rule_is_edited_moved_switched_off_and_deleted(project, owner, lead):
    first, second = rules.create_default_rules(project)[:2]
    page = lead.client.get(f"{PAGE}/{first.pk}").content.decode()
    assert 'value="Low score"' in page
    lead.client.post(f"{PAGE}/{first.pk}", fields(LOW_TONE))
    assert RoutingRule.objects.get(pk=first.pk).name == "Low tone"
    lead.client.post(f"{PAGE}/{second.pk}/move", {"to": "up"})
    assert [rule.pk for rule in rules.of_queue(project, "review")][:2] == [second.pk, first.pk]
    lead.client.post(f"{PAGE}/{first.pk}/switch", {"enabled": "0"})
    assert not RoutingRule.objects.get(pk=first.pk).enabled
    lead.client.post(f"{PAGE}/{first.pk}/delete")
    assert RoutingRule.objects.count() == 4
    labels = RoutingRule.pgh_event_model.objects.filter(pgh_obj_id=first.pk).values_list(
        "pgh_label", flat=True
    )
    assert set(labels) == {"insert", "update", "delete"}
    log = owner.client.get("/projects/refunds/audit").content.decode()
    assert "the rule Low tone of review was changed" in log
    assert "the rule Low tone of review was deleted" in log
    assert "Score below: score tone, threshold .5" in log


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (fields(), "at least one condition"),
        (fields(LOW_TONE, name=" "), "Name is missing"),
        (fields(LOW_TONE, severity="high"), "Severity must be a number"),
        (fields(LOW_TONE, share="2"), "Share must be"),
        (fields(LOW_TONE, queue="no such/queue"), "short name of a queue"),
        (fields(LOW_TONE | {"threshold": "low"}), "Threshold must be a number"),
        (fields(LOW_TONE | {"threshold": "nan"}), "Threshold must be a number"),
        (fields({"condition": "rating_below", "threshold": "4"}), "between 0 and 1"),
        (fields({"condition": "audit"}, LOW_TONE), "must be the only condition"),
        (fields({"condition": "audit"}, share=".5"), "set the audit rate"),
        (fields({"condition": "column_equals", "column": "secret", "value": "x"}), "must be one of"),
        (fields({"condition": "implicit", "kind": "report", "least": "1.5"}), "whole number"),
        (fields(LOW_TONE, match="some"), "all or any"),
    ],
)
def test_what_cannot_be_taken_is_said_where_it_stands_and_nothing_typed_is_lost(project, lead, sent, said):
    response = lead.client.post(f"{PAGE}/new", sent)
    assert response.status_code == 422
    assert said in response.content.decode()
    assert f'value="{sent["severity"]}"' in response.content.decode()
    assert not RoutingRule.objects.exists()


def test_two_rules_of_a_queue_cannot_have_one_name(project, lead):
    rules.create_default_rules(project)
    response = lead.client.post(f"{PAGE}/new", fields(LOW_TONE, name="Audit"))
    assert response.status_code == 422
    assert "already" in response.content.decode()


def test_trying_a_rule_tells_what_it_would_have_done_and_writes_nothing(project, lead):
    rules.create_default_rules(project)
    for number in range(6):
        settled(project, f"t{number}", scores={"tone": number / 10})
    response = lead.client.post(f"{PAGE}/new", fields(LOW_TONE | {"threshold": ".25"}, **{"try": "1"}))
    page = response.content.decode()
    assert "would have routed <b>3</b> of 6 traces, <b>3</b> of them already routed" in page
    assert "/projects/refunds/traces/t0" in page
    assert "tone 0 below .25" in page
    assert RoutingRule.objects.count() == 5
    part = lead.client.post(
        f"{PAGE}/new", fields(LOW_TONE, **{"try": "1"}), headers={"HX-Request": "true"}
    ).content.decode()
    assert part.lstrip().startswith('<div class="stack" id="editor">')


def test_it_warns_when_nothing_takes_the_audit_sample(project, lead):
    rules.create_default_rules(project)
    RoutingRule.objects.filter(name="Audit").update(enabled=False)
    assert "drawn for audit, so nobody will label them" in lead.client.get(PAGE).content.decode()


def test_the_list_takes_as_many_queries_for_many_rules_as_for_few(
    project, lead, django_assert_max_num_queries
):
    for number in range(30):
        rules.save(
            RoutingRule(
                project=project,
                queue=f"q{number % 5}",
                name=f"r{number}",
                conditions=[{"condition": "error"}],
            )
        )
    with django_assert_max_num_queries(9):
        lead.client.get(PAGE)


def test_reviewers_do_not_see_why_a_trace_waits(project, lead, reviewer):
    rules.create_default_rules(project)
    settled(project, "t1", scores={"tone": 0.2})
    assert "tone .2 below .5" in lead.client.get("/projects/refunds/traces/t1").content.decode()
    page = reviewer.client.get("/projects/refunds/traces/t1").content.decode()
    assert "below .5" not in page
    assert "drawn for audit" not in page


def test_rates_tell_labels_a_day_and_widths(project, lead):
    Trace.objects.bulk_create(
        [Trace(project=project, trace_id=f"t{n}", started_at=NOW, route="refund") for n in range(700)]
    )
    page = lead.client.get(RATES).content.decode()
    assert "refund" in page
    assert "as it starts" in page
    assert SamplingRate.objects.count() == 0


def test_a_rate_is_set_by_hand_boosted_and_handed_back(project, lead):
    door = f"{RATES}/stratum?stratum=refund"
    assert lead.client.post(door, {"audit": "5", "judge": "10", "reason": "tight week"}).status_code == 302
    rate = SamplingRate.objects.get()
    assert (rate.stratum, rate.audit, rate.judge, rate.cause) == ("refund", 0.05, 0.1, "manual")
    assert (rate.set_by, rate.reason) == ("leo", "tight week")
    assert lead.client.post(f"{RATES}/boost?stratum=refund", {"factor": "5", "hours": "2"}).status_code == 302
    assert rates.stratum(project, "refund").audit == 0.25
    again = lead.client.post(f"{RATES}/boost?stratum=refund", {"factor": "5", "hours": "2"})
    assert again.status_code == 422
    assert "A boost is running" in again.content.decode()
    lead.client.post(f"{RATES}/by-volume?stratum=refund")
    assert rates.stratum(project, "refund").kept_by == "daily"
    page = lead.client.get(door).content.decode()
    assert "tight week" in page


@pytest.mark.parametrize("sent", [{"audit": "101", "judge": "1"}, {"audit": "x", "judge": ""}, {}])
def test_a_rate_that_cannot_be_is_refused(project, lead, sent):
    assert lead.client.post(f"{RATES}/stratum?stratum=refund", sent).status_code == 422
    assert not SamplingRate.objects.exists()


def test_the_effect_is_told_as_it_is_typed(project, lead):
    live = {"HX-Request": "true", "HX-Target": "effect"}
    part = lead.client.get(f"{RATES}/stratum", {"stratum": "", "audit": "50", "judge": "10"}, headers=live)
    assert part.content.decode().lstrip().startswith('<div id="effect"')
    odd = lead.client.get(f"{RATES}/stratum", {"stratum": "", "audit": "nan", "judge": "1e999"}, headers=live)
    assert odd.status_code == 200
    assert lead.client.get(f"{RATES}/stratum", {"stratum": "a\0b"}).status_code == 404
    assert lead.client.get(f"{RATES}/stratum", {"stratum": "x" * 300}).status_code == 404


def test_strata_of_another_project_are_not_told(project, other_project, lead):
    Trace.objects.create(project=other_project, trace_id="t", started_at=NOW, route="their-route")
    rates.set_by_hand(other_project, "their-route", 0.5, 0.1, by="sam")
    assert "their-route" not in lead.client.get(RATES).content.decode()
