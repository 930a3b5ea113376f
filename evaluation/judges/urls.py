"""Where the pages of judges lead, below a project."""

from __future__ import annotations

from django.urls import path

from evaluation.judges import views

urlpatterns = [
    path("judges", views.judges, name="judges"),
    path("judges/<any:name>/pairs.csv", views.judge_pairs, name="judge_pairs"),
    path("judges/<any:name>/certificate.json", views.judge_certificate, name="judge_certificate"),
    path("judges/<any:name>/cause", views.name_cause, name="name_cause"),
    path("judges/<any:name>", views.judge, name="judge"),
]
