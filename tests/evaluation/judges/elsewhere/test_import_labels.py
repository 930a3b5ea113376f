"""Labels and verdicts made elsewhere: stored once, corrected by revisions, told line by line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db.models.functions import Now

from evaluation.judges.judgments import asking
from evaluation.judges.making import versions
from evaluation.judges.models import ImportedPair, JudgeVersion, Judgment, Kind, RunKind
from evaluation.judges.trust import stages
from evaluation.retention import pruning
from ingest.models import AuditDraw, Project, Trace
from ingest.routing.models import Unsettled
from reviewapp.review.models import Label, LabelAnswer, Resolution, ReviewItem, Via
from tests.conftest import Person
from tests.evaluation.judges.lines import line, load, table

pytestmark = pytest.mark.django_db


def test_a_file_becomes_traces_labels_and_verdicts(project: Project, tmp_path: Path) -> None:
    file = tmp_path / "labels.jsonl"
    file.write_text("\n".join(json.dumps(each) for each in table(2, 1, 1, 3)))
    call_command("import_labels", str(file), project=project.slug)
    traces = list(Trace.objects.filter(project=project).values_list("pk", flat=True))
    assert len(traces) == 7 and pruning.held(traces) == set(traces)
    assert Label.objects.filter(via=Via.IMPORT).count() == 7
    assert Judgment.objects.filter(verdict="fail").count() == 3
    assert JudgeVersion.objects.get().label == "v1"


def test_the_same_file_again_changes_nothing(project: Project) -> None:
    lines = table(2, 1, 1, 3)
    load(project, lines)
    before = (
        list(Label.objects.order_by("pk").values()),
        list(Judgment.objects.order_by("pk").values()),
        list(Resolution.objects.order_by("pk").values()),
        list(ImportedPair.objects.order_by("pk").values()),
    )
    report = load(project, lines)
    assert (report.traces, report.labels, report.verdicts) == (0, 0, 0)
    assert before == (
        list(Label.objects.order_by("pk").values()),
        list(Judgment.objects.order_by("pk").values()),
        list(Resolution.objects.order_by("pk").values()),
        list(ImportedPair.objects.order_by("pk").values()),
    )


def test_a_corrected_label_is_a_revision_and_the_old_one_stays(project: Project) -> None:
    load(project, [line(1, "pass", "pass")])
    load(project, [line(1, "fail", "pass")])
    assert list(Label.objects.order_by("revision").values_list("verdict", "kind")) == [
        ("pass", "answer"),
        ("fail", "amend"),
    ]
    assert ReviewItem.objects.get().resolution.verdict == "fail"  # type: ignore[union-attr]


def test_imported_traces_are_never_live_traffic(project: Project) -> None:
    load(project, [line(1, "pass", "pass")])
    assert not Unsettled.objects.exists()
    assert not AuditDraw.objects.exists()


def test_a_bad_line_is_told_and_spoils_no_other(project: Project) -> None:
    report = load(
        project,
        [
            line(1, "pass", "pass"),
            "{not json",
            line(2, "maybe", "pass"),
            line(3, "pass", "pass", pi=0),
            {"id": "x", "labels": []},
            line(4, "pass", "pass", timestamp="yesterday"),
            line(5, "pass", "pass", labels=[{"annotator": "a", "verdict": "pass"}] * 2),
            "",
            line(6, "fail", "fail"),
        ],
    )
    assert [number for number, _ in report.errors] == [2, 3, 4, 5, 6, 7]
    told = dict(report.errors)
    assert "labels[" in told[3]
    assert told[4].startswith("pi:")
    assert "output" in told[5]
    assert told[6].startswith("timestamp:")
    assert report.traces == 2


def test_several_annotators_tie_or_agree(project: Project) -> None:
    def by(*verdicts: str) -> list[dict[str, str]]:
        return [{"annotator": f"a{i}", "verdict": verdict} for i, verdict in enumerate(verdicts)]

    load(
        project,
        [
            line(1, "", "pass", labels=by("fail", "fail", "pass")),
            line(2, "", "pass", labels=by("fail", "pass")),
            line(3, "", "pass", labels=by("cannot_tell")),
        ],
    )
    items = {item.trace.trace_id: item for item in ReviewItem.objects.select_related("trace", "resolution")}
    agreed = items["trace-1"].resolution
    assert agreed is not None
    assert (agreed.verdict, agreed.method, agreed.confirmed) == ("fail", "majority", True)
    assert (items["trace-2"].state, items["trace-2"].adjudication_reason) == ("adjudication", "tie")
    assert items["trace-3"].adjudication_reason == "cannot_tell"


def test_answers_to_criteria_are_kept_under_their_names(project: Project) -> None:
    labels = [
        {"annotator": "ann", "verdict": "fail", "answers": {"tone": "pass", "facts": 2}, "note": "wrong"}
    ]
    load(project, [line(1, "", "fail", labels=labels)])
    load(project, [line(1, "", "fail", labels=labels)])
    answers = dict(LabelAnswer.objects.values_list("criterion__key", "value"))
    assert answers == {"tone": "pass", "facts": 2}


def test_another_projects_judge_of_that_name_is_another_judge(
    project: Project, other_project: Project
) -> None:
    load(project, [line(1, "pass", "pass")])
    load(other_project, [line(1, "fail", "fail")])
    assert JudgeVersion.objects.count() == 2
    assert Trace.objects.filter(trace_id="trace-1").count() == 2
    assert Label.objects.of_project(project).get().verdict == "pass"


def test_what_the_command_refuses_says_what_to_do(project: Project, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="create_project nowhere"):
        call_command("import_labels", "-", project="nowhere")
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_labels", str(tmp_path / "absent"), project=project.slug)


def test_imported_labels_let_a_version_go_live_only_with_the_probabilities_of_their_draw(
    project: Project, lead: Person
) -> None:
    """As many labels as one likes of traces that somebody chose say nothing of production."""
    chosen = table(60, 4, 6, 230)
    load(project, chosen)
    version = versions.create(project, "local", Kind.RULES, parameters={"rules": []})
    asking.ask_imported(version, asking.start(version, RunKind.GIVEN))
    for row in Judgment.objects.filter(version=version).select_related("trace"):
        number = int(row.trace.trace_id.removeprefix("trace-"))
        fails = number < 60 or 64 <= number < 70
        Judgment.objects.filter(pk=row.pk).update(
            progress="done", verdict="fail" if fails else "pass", finished_at=Now()
        )
    with pytest.raises(stages.NotValidated, match="import the file again with the probability") as refused:
        stages.promote(version, "leo")
    assert [holds for _, holds in refused.value.conditions] == [True] * 6 + [False]
    address = f"/projects/refunds/judge-versions/{version.pk}/go-live"
    told = lead.client.post(address, follow=True).content.decode()
    assert "labels of traces that chance chose" in told
    load(project, [each | {"pi": 0.2} for each in chosen])
    assert stages.promote(version, "leo").stage == "live"
