"""Where the pages of judges lead, below a project."""

from __future__ import annotations

from django.urls import path

from evaluation.judges.pages import calibration, remedies, trying, versions

urlpatterns = [
    path("judges", calibration.judges, name="judges"),
    path("judge-versions/new", versions.new_version, name="new_judge_version"),
    path("judge-versions/try", trying.try_version, name="try_judge_version"),
    path("judge-tryouts/<int:pk>", trying.tryout, name="judge_tryout"),
    path("judge-versions/<int:pk>/go-live", versions.go_live, name="judge_go_live"),
    path("judge-versions/<int:pk>/retire", versions.retire, name="retire_judge_version"),
    path("judge-versions/<int:pk>/anchors", versions.freeze_anchors, name="freeze_anchors"),
    path("judge-versions/<int:pk>/label-more", remedies.label_more, name="label_more"),
    path("judge-versions/<int:pk>/anchor", remedies.add_anchor, name="add_anchor"),
    path("judge-versions/<int:pk>/ask-again", remedies.second_reviewer, name="second_reviewer"),
    path("judge-versions/<int:pk>/run", versions.run_version, name="run_judge_version"),
    path("judge-versions/<int:pk>/runs", versions.version_runs, name="judge_runs"),
    path("judge-runs/<int:pk>/stop", versions.stop_run, name="stop_judge_run"),
    path("judges/<any:name>/pairs.csv", calibration.judge_pairs, name="judge_pairs"),
    path("judges/<any:name>/certificate.json", calibration.judge_certificate, name="judge_certificate"),
    path("judges/<any:name>/cause", calibration.name_cause, name="name_cause"),
    path("judges/<any:name>", calibration.judge, name="judge"),
]
