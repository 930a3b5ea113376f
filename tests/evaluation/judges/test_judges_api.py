"""Every number of the calibration page over the API, from labels with known counts."""

from __future__ import annotations

import csv
from typing import Any

import pytest
from django.utils import timezone
from sklearn import metrics

from evaluation.judges.models import Certificate
from ingest.models import Project, Scope
from tests.conftest import Api, Person
from tests.evaluation.judges.lines import line, load, table

pytestmark = pytest.mark.django_db
KEYS = {
    "judge", "state", "n", "excluded", "confusion", "agreement", "kappa", "ac1", "pabak", "tpr", "tnr",
    "precision", "f1", "mcc", "base_rate", "judged_rate", "auc", "brier", "corrected", "human_human",
    "over_time", "slices", "invalid",
}  # fmt: skip
FIGURES = (
    "agreement", "kappa", "ac1", "pabak", "tpr", "tnr", "precision", "f1", "mcc", "base_rate",
    "judged_rate", "auc", "brier",
)  # fmt: skip


def read(api: Api, path: str = "helpful/calibration", **query: str) -> dict[str, Any]:
    response = api(Scope.QUALITY_READ).get(f"/api/v1/judges/{path}", query)
    assert response.status_code == 200, response.content
    found: dict[str, Any] = response.json()
    return found


def test_the_contracts_keys_and_figures(api: Api, project: Project) -> None:
    load(project, table(44, 14, 7, 347, pi=0.05))
    found = read(api)
    assert set(found) == KEYS
    assert found["n"] == 412
    assert found["confusion"] == {"tp": 44, "fp": 7, "fn": 14, "tn": 347}
    for name in FIGURES:
        assert set(found[name]) == {"value", "low", "high", "n", "why_null"}, name
    human = [1] * 58 + [0] * 354
    judge = [1] * 44 + [0] * 14 + [1] * 7 + [0] * 347
    assert found["kappa"]["value"] == pytest.approx(metrics.cohen_kappa_score(human, judge))
    assert found["mcc"]["value"] == pytest.approx(metrics.matthews_corrcoef(human, judge))
    assert found["f1"]["value"] == pytest.approx(metrics.f1_score(human, judge))
    assert found["tpr"]["value"] == pytest.approx(44 / 58)
    assert (round(found["tpr"]["low"], 2), round(found["tpr"]["high"], 2)) == (0.63, 0.85)
    assert found["tnr"]["value"] == pytest.approx(347 / 354)
    assert found["state"] == "CARE"
    assert found["judge"]["sampling"] == "imported"
    assert set(found["corrected"]) == {"ppi", "rogan_gladen"}
    assert set(found["human_human"]) == {"alpha", "kappa", "agreement"}


def test_without_a_probability_nothing_is_certified(api: Api, project: Project) -> None:
    load(project, table(95, 5, 20, 980))
    found = read(api)
    assert found["judge"]["sampling"] == "unknown"
    assert found["state"] == "CARE"
    assert found["corrected"]["ppi"]["value"] is None
    load(project, table(95, 5, 20, 980, pi=0.1))
    assert read(api)["state"] == "TRUSTED"


def test_pairs_with_and_without_a_probability_are_not_pooled(api: Api, project: Project) -> None:
    load(project, table(5, 5, 5, 25, pi=0.2))
    load(project, [line(1000 + i, "pass", "fail") for i in range(7)])
    found = read(api)
    assert (found["n"], found["excluded"]["sampling_unknown"]) == (40, 7)


def test_weights_are_the_inverse_of_the_probability(api: Api, project: Project) -> None:
    rows = [
        line(i, "fail" if y == "1" else "pass", "fail" if f == "1" else "pass", pi=0.1 if i < 6 else 0.02)
        for i, (y, f) in enumerate(zip("1010010100", "1000110100", strict=True))
    ]
    load(project, rows)
    found = read(api)
    assert found["base_rate"]["value"] == pytest.approx(0.307692, abs=5e-7)
    assert found["tpr"]["low"] == pytest.approx(0.395773, abs=5e-7)
    assert found["kappa"]["value"] == pytest.approx(0.819444, abs=5e-7)


def test_invalid_verdicts_are_a_class_of_their_own(api: Api, project: Project) -> None:
    load(project, [line(1, "fail", "invalid"), line(2, "pass", "pass"), line(3, "cannot_tell", "pass")])
    found = read(api)
    assert found["n"] == 1
    assert found["excluded"] == {"invalid": 1, "cannot_tell": 1}
    assert found["invalid"]["count"] == 1
    assert found["invalid"]["rate"]["value"] == pytest.approx(1 / 3)


def test_invalid_verdicts_are_those_of_the_slice_and_of_the_window(api: Api, project: Project) -> None:
    old, new = {"timestamp": "2020-01-06T09:00:00Z"}, {"timestamp": timezone.now().isoformat()}
    here, there = {"slice": {"route": "here"}}, {"slice": {"route": "there"}}
    load(project, [line(1, "fail", "invalid", **new, **here), line(2, "pass", "pass", **new, **here)])
    load(project, [line(3, "fail", "invalid", **old, **there), line(4, "pass", "invalid", **new, **there)])

    def invalid(**query: str) -> tuple[int, int]:
        found = read(api, **query)["invalid"]
        return found["count"], found["rate"]["n"]

    assert (invalid(), invalid(slice="route=here"), invalid(slice="route=there")) == ((3, 4), (1, 2), (2, 2))
    assert (invalid(window="7d"), invalid(window="7d", slice="route=there")) == ((2, 3), (1, 1))


def test_degenerate_tables_are_null_with_a_reason(api: Api, project: Project) -> None:
    load(project, table(0, 0, 0, 40, pi=0.5))
    found = read(api)
    assert found["state"] == "INCONCLUSIVE"
    assert (found["tpr"]["value"], found["tpr"]["why_null"]) == (None, "no labelled failures")
    for name in ("kappa", "mcc", "f1", "precision", "auc"):
        assert found[name]["value"] is None, name
        assert found[name]["why_null"], name


def test_people_among_themselves(api: Api, project: Project) -> None:
    def by(*verdicts: str) -> list[dict[str, str]]:
        return [{"annotator": f"a{i}", "verdict": verdict} for i, verdict in enumerate(verdicts)]

    load(
        project,
        [line(i, "", "pass", labels=by("pass", "pass")) for i in range(70)]
        + [line(100 + i, "", "fail", labels=by("fail", "fail")) for i in range(20)]
        + [line(200 + i, "", "fail", labels=by("fail", "pass")) for i in range(10)],
    )
    found = read(api)
    assert found["human_human"]["agreement"]["value"] == pytest.approx(0.9)
    assert found["human_human"]["agreement"]["n"] == 100
    assert found["excluded"] == {"tie": 10}


def test_slices_windows_and_versions_narrow(api: Api, project: Project) -> None:
    rows = table(30, 10, 5, 55)
    for number, row in enumerate(rows):
        row["slice"] = {"route": "refunds" if number % 2 else "returns", "model": "orion"}
        row["timestamp"] = "2026-01-05T00:00:00Z" if number < 50 else "2026-01-19T00:00:00Z"
    rows[0]["judges"].append({"judge": "helpful", "version": "v2", "verdict": "pass"})
    load(project, rows)
    assert read(api, version="v1", slice="route=refunds")["n"] == 50
    assert read(api, version="v1", slice="route:returns")["n"] == 50
    assert read(api, version="v1", window="3650d")["n"] == 100
    odd = api(Scope.QUALITY_READ).get("/api/v1/judges/helpful/calibration", {"slice": "route=\0"})
    assert odd.status_code == 400
    assert read(api)["judge"]["version"] == "v2"
    found = read(api, version="v1")
    assert [row["value"] for row in found["slices"]] in (["refunds", "returns"], ["returns", "refunds"])
    assert sum(row["n"] for row in found["slices"]) == 100
    assert [(point["from"], point["n"]) for point in found["over_time"]] == [
        ("2026-01-05", 50),
        ("2026-01-19", 50),
    ]


def test_scores_give_auc_and_brier(api: Api, project: Project) -> None:
    rows = table(10, 5, 5, 40)
    for number, row in enumerate(rows):
        row["judges"][0]["score"] = (number % 10) / 10
    load(project, rows)
    found = read(api)
    human, score = [1] * 15 + [0] * 45, [(number % 10) / 10 for number in range(60)]
    assert found["auc"]["value"] == pytest.approx(metrics.roc_auc_score(human, score))
    assert found["brier"]["value"] == pytest.approx(metrics.brier_score_loss(human, score))


def test_recalibrated_scores_are_told_and_stand_in_the_csv(api: Api, project: Project, lead: Person) -> None:
    """What the CSV holds gives the Brier score that the API tells; a new version begins without labels."""
    rows = table(300, 100, 100, 700, pi=0.5)
    for n, each in enumerate(rows):
        each["judges"][0]["score"] = (60 + n % 40 if each["judges"][0]["verdict"] == "fail" else n % 60) / 100
        each["judges"].append({"judge": "helpful", "version": "v2", "verdict": "fail", "score": 0.5})
    load(project, rows[:1100])
    load(project, [each | {"judges": each["judges"][:1]} for each in rows[1100:]])
    found = read(api, version="v1")["judge"]["recalibration"]
    assert (found["method"], found["folds"], found["n"], found["failures"]) == ("isotonic", 5, 1200, 400)
    before, after = found["brier"]["before"], found["brier"]["after"]
    assert after["value"] < before["value"]
    assert found["brier"]["difference"]["high"] < 0
    assert found["ece"]["after"]["value"] < found["ece"]["before"]["value"]
    assert sum(each["failed"]["n"] for each in found["reliability"]["after"]) == 1200
    body = b"".join(
        lead.client.get("/projects/refunds/judges/helpful/pairs.csv?version=v1").streaming_content
    )  # type: ignore[attr-defined]
    told = list(csv.DictReader(body.decode().splitlines()))
    assert len(told) == 1200
    for column, figure in (("score", before), ("recalibrated", after)):
        squares = [(float(row[column]) - (row["human"] == "fail")) ** 2 for row in told]
        assert sum(squares) / 1200 == pytest.approx(figure["value"], abs=1e-12)
    flat = read(api, version="v2")["judge"]["recalibration"]
    assert (flat["n"], flat["method"]) == (1100, "isotonic")
    load(
        project,
        [line(5000, "fail", "fail", judges=[{"judge": "helpful", "version": "v3", "verdict": "fail"}])],
    )
    none = read(api, version="v3")["judge"]["recalibration"]
    assert (none["method"], none["n"], none["why_null"]) == (None, 0, "no labelled trace has a score")
    assert none["brier"]["after"]["why_null"] == "no labelled trace has a score"


def test_figures_are_recomputed_to_the_last_digit(api: Api, project: Project) -> None:
    from evaluation.judges.models import CalibrationPoint

    load(project, table(20, 9, 8, 90, pi=0.3))
    first = read(api)
    CalibrationPoint.objects.all().delete()
    assert read(api) == first
    load(project, [line(5000, "fail", "pass", pi=0.3)])
    assert read(api)["n"] == first["n"] + 1


def test_a_certificate_is_a_row_and_json(api: Api, project: Project) -> None:
    load(project, table(95, 5, 20, 980, pi=0.1))
    found = read(api, "helpful/certificate")
    assert found["state"] == "TRUSTED"
    assert found["figures"]["tpr"]["value"] == pytest.approx(0.95)
    assert len(found["labels_sha256"]) == 64
    assert read(api, "helpful/certificate") == found
    assert Certificate.objects.count() == 1


def test_the_list_names_each_judge_with_its_state(api: Api, project: Project, other_project: Project) -> None:
    load(project, table(95, 5, 20, 980, pi=0.1))
    load(other_project, [line(1, "fail", "fail", judges=[{"judge": "other", "verdict": "fail"}])])
    found = api(Scope.QUALITY_READ).get("/api/v1/judges").json()["judges"]
    assert [(judge["name"], judge["state"]) for judge in found] == [("helpful", "TRUSTED")]


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("helpful/calibration", {"window": "soon"}, 400),
        ("helpful/calibration", {"slice": "user=ann"}, 400),
        ("helpful/calibration", {"version": "v9"}, 404),
        ("helpful/calibration", {"version": "a\0b"}, 404),
        ("helpful/calibration", {"criterion": "tone"}, 404),
        ("nobody/calibration", {}, 404),
        ("nobody/certificate", {}, 404),
    ],
)
def test_what_cannot_be_found_or_read_is_a_problem(
    api: Api, project: Project, path: str, query: dict[str, str], status: int
) -> None:
    load(project, [line(1, "fail", "fail")])
    response = api(Scope.QUALITY_READ).get(f"/api/v1/judges/{path}", query)
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/problem+json"


def test_other_projects_and_scopes_are_refused(api: Api, project: Project, other_project: Project) -> None:
    load(project, [line(1, "fail", "fail")])
    assert (
        api(Scope.QUALITY_READ, of=other_project).get("/api/v1/judges/helpful/calibration").status_code == 404
    )
    assert api(Scope.TRACES_READ).get("/api/v1/judges/helpful/calibration").status_code == 403
    assert api(Scope.QUALITY_READ, of=other_project).get("/api/v1/judges").json() == {"judges": []}
