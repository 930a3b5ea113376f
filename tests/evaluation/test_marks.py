"""What the navigation says of judges and of the golden dataset, to whom, and at what cost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from evaluation import marks
from evaluation.golden.models import GoldenDataset, GoldenVersion
from evaluation.judges.making import versions
from evaluation.judges.models import PREFERENCE, Certificate, JudgeVersion, Kind, Stage
from ingest.models import Project
from reviewapp.models import Membership
from reviewapp.navigation import Mark
from tests.conftest import Person

pytestmark = pytest.mark.django_db


def told(person: Person, project: Project) -> dict[str, Mark]:
    return marks.tell(Membership.objects.get(user=person.user, project=project))


def shown(person: Person, project: Project) -> str:
    return person.client.get(reverse("checks", args=[project.slug])).content.decode()


def live(project: Project, name: str, **values: object) -> JudgeVersion:
    version = versions.create(project, name, Kind.RULES, parameters={"rules": []}, **values)
    JudgeVersion.objects.filter(pk=version.pk).update(stage=Stage.LIVE)
    return version


def certify(version: JudgeVersion, state: str, **values: object) -> Certificate:
    given = {"issued_at": timezone.now(), "expires_at": timezone.now() + timedelta(days=30)} | values
    return Certificate.objects.create(
        version=version, state=state, fingerprint="f", criterion="verdict", meaning=1, labels_sha256="0",
        n=9, figures={}, **given,
    )  # fmt: skip


def publish(project: Project, name: str, *numbers: int) -> GoldenDataset:
    dataset = GoldenDataset.objects.create(project=project, name=name)
    for number in numbers:
        GoldenVersion.objects.create(dataset=dataset, number=number, digest=b"0" * 32, items=1)
    return dataset


def test_the_worst_of_the_live_judges_is_told_to_leads(
    project: Project, lead: Person, reviewer: Person
) -> None:
    assert "judges" not in told(lead, project)
    careful, wrong = live(project, "careful"), live(project, "wrong")
    certify(careful, "TRUSTED")
    certify(wrong, "TRUSTED")
    assert "judges" not in told(lead, project), "nothing where all are trusted"
    certify(careful, "CARE")
    assert told(lead, project)["judges"] == Mark("", "careful: CARE", "doubt")
    assert 'class="count shape doubt"' in shown(lead, project)
    certify(wrong, "UNTRUSTED")
    assert told(lead, project)["judges"] == Mark("", "wrong: UNTRUSTED", "failure")
    assert "judges" not in told(reviewer, project)
    assert "UNTRUSTED" not in shown(reviewer, project)
    JudgeVersion.objects.filter(pk=wrong.pk).update(stage=Stage.RETIRED)
    assert told(lead, project)["judges"].words == "careful: CARE"


@pytest.mark.parametrize(
    "values", [{"stale_reason": "agreement alarm"}, {"expires_at": timezone.now() - timedelta(days=1)}]
)
def test_what_was_taken_back_or_ran_out_is_stale(
    project: Project, lead: Person, values: dict[str, object]
) -> None:
    certify(live(project, "helpful"), "TRUSTED", **values)
    assert told(lead, project)["judges"] == Mark("", "helpful: STALE", "stale")


def test_a_judge_of_pairs_or_of_another_project_has_no_part_in_it(
    project: Project, other_project: Project, lead: Person
) -> None:
    certify(live(project, "chooser", criterion=PREFERENCE), "CARE")
    certify(live(other_project, "theirs"), "CARE")
    publish(other_project, "theirs", 3)
    assert told(lead, project) == {}


def test_the_newest_version_of_the_one_golden_dataset_is_told_to_all(
    project: Project, reviewer: Person
) -> None:
    dataset = publish(project, "support", 1, 2, 3)
    publish(project, "begun")
    assert told(reviewer, project) == {"golden": Mark("v3", "support v3")}
    assert '<span class="count" aria-hidden="true">v3</span>' in shown(reviewer, project)
    newest = dataset.versions.filter(number=3)
    newest.update(withdrawn_at=timezone.now(), withdrawn_reason="erased")
    assert told(reviewer, project)["golden"].short == "v2"
    publish(project, "second", 7)
    assert told(reviewer, project) == {}, "of several no single one is meant"


def test_it_costs_one_statement(project: Project, lead: Person) -> None:
    certify(live(project, "helpful"), "CARE")
    publish(project, "support", 1)
    with CaptureQueriesContext(connection) as asked:
        lead.client.get(reverse("checks", args=[project.slug]))
    assert sum("evaluation_" in query["sql"] for query in asked) == 1
