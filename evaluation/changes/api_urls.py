"""Where the changes are in the API."""

from __future__ import annotations

from django.urls import path

from evaluation.changes import api
from evaluation.changes import api_document as _api_document  # noqa: F401  (adds its paths to the document)
from evaluation.doors import methods

urlpatterns = [path("changes", methods(GET=api.list_changes, POST=api.tell_change))]
