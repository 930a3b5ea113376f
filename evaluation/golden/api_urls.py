"""Where the golden dataset's addresses of the API lead."""

from __future__ import annotations

from django.urls import path

from evaluation.doors import methods
from evaluation.golden import api
from evaluation.golden import api_document as _api_document  # noqa: F401  (adds its paths to the document)

urlpatterns = [
    path("golden", methods(GET=api.list_datasets)),
    path("golden/<str:name>", methods(GET=api.read_dataset)),
    path("golden/<str:name>/cases", methods(POST=api.post_cases)),
    path("golden/<str:name>/versions", methods(GET=api.list_versions, POST=api.post_version)),
    path("golden/<str:name>/versions/<str:number>", methods(GET=api.read_version)),
    path("golden/<str:name>/versions/<str:number>/<str:format>", methods(GET=api.read_version)),
    path("ci/touchstone.py", methods(GET=api.client_file)),
]
