"""Where the page of changes is, below a project."""

from __future__ import annotations

from django.urls import path

from evaluation.changes import views

urlpatterns = [path("changes", views.changes, name="changes")]
