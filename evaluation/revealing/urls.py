"""Where the slots of the review screens lead, below a project."""

from __future__ import annotations

from django.urls import path

from evaluation.revealing import views

urlpatterns = [
    path("review-items/<int:pk>/judge", views.judge_reveal, name="judge_reveal"),
    path("review-items/<int:pk>/alike", views.items_alike, name="items_alike"),
    path("review-items/<int:pk>/alike/propose", views.propose_alike, name="propose_alike"),
    path("queues/<slug:queue>/judged", views.judged_lately, name="judged_lately"),
    path("reviewers/caused", views.all_labels_caused, name="all_labels_caused"),
    path("queues/<slug:queue>/caused", views.labels_caused, name="labels_caused"),
]
