"""Where the changes are in the API."""

from __future__ import annotations

from django.urls import path

from evaluation.changes import api
from evaluation.doors import methods

urlpatterns = [path("changes", methods(GET=api.list_changes, POST=api.tell_change))]
