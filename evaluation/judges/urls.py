"""Where the pages of judges lead, below a project."""

from __future__ import annotations

from django.urls import path

from evaluation.judges import remedy_views, trying_views, version_views, views

urlpatterns = [
    path("judges", views.judges, name="judges"),
    path("judge-versions/new", version_views.new_version, name="new_judge_version"),
    path("judge-versions/try", trying_views.try_version, name="try_judge_version"),
    path("judge-tryouts/<int:pk>", trying_views.tryout, name="judge_tryout"),
    path("judge-versions/<int:pk>/go-live", version_views.go_live, name="judge_go_live"),
    path("judge-versions/<int:pk>/retire", version_views.retire, name="retire_judge_version"),
    path("judge-versions/<int:pk>/anchors", version_views.freeze_anchors, name="freeze_anchors"),
    path("judge-versions/<int:pk>/label-more", remedy_views.label_more, name="label_more"),
    path("judge-versions/<int:pk>/anchor", remedy_views.add_anchor, name="add_anchor"),
    path("judge-versions/<int:pk>/ask-again", remedy_views.second_reviewer, name="second_reviewer"),
    path("judge-versions/<int:pk>/run", version_views.run_version, name="run_judge_version"),
    path("judge-versions/<int:pk>/runs", version_views.version_runs, name="judge_runs"),
    path("judge-runs/<int:pk>/stop", version_views.stop_run, name="stop_judge_run"),
    path("judges/<any:name>/pairs.csv", views.judge_pairs, name="judge_pairs"),
    path("judges/<any:name>/certificate.json", views.judge_certificate, name="judge_certificate"),
    path("judges/<any:name>/cause", views.name_cause, name="name_cause"),
    path("judges/<any:name>", views.judge, name="judge"),
]
