"""Where the pages about people lead, below a project."""

from __future__ import annotations

from django.urls import path

from evaluation.people import views

urlpatterns = [
    path("reviewers/agreement", views.human_agreement, name="human_agreement"),
    path("queues/agreement", views.queue_agreement, name="queue_agreement"),
]
