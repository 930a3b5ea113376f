"""Where the pages of CI runs lead, below a project."""

from __future__ import annotations

from django.urls import path

from evaluation.runs import pages

urlpatterns = [
    path("golden/<str:name>/matrix", pages.run_matrix, name="run_matrix"),
    path("runs", pages.runs, name="runs"),
    path("runs/<str:run_id>", pages.run, name="run"),
    path("runs/<str:run_id>/<str:kind>", pages.run_report, name="run_report"),
]
