"""Where the slots of the review screens lead, below a project."""

from __future__ import annotations

from django.urls import path

from evaluation.revealing import views

urlpatterns = [
    path("review-items/<int:pk>/judge", views.judge_reveal, name="judge_reveal"),
    path("queues/<slug:queue>/caused", views.labels_caused, name="labels_caused"),
]
