"""Where the judges' addresses of the API lead."""

from __future__ import annotations

from django.urls import path

from evaluation.doors import methods
from evaluation.judges import api
from evaluation.judges import api_document as _api_document  # noqa: F401  (adds its paths to the document)

urlpatterns = [
    path("judges", methods(GET=api.list_judges)),
    path("judges/<any:name>/calibration", methods(GET=api.read_calibration)),
    path("judges/<any:name>/runs", methods(POST=api.start_run)),
    path("judges/<any:name>/certificate", methods(GET=api.read_certificate)),
]
