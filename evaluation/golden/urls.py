"""Where the golden dataset's pages and the runs' pages lead, below a project."""

from __future__ import annotations

from django.urls import path

from evaluation.runs import pages as runs

urlpatterns = [
    path("runs/<str:run_id>", runs.run, name="run"),
]
