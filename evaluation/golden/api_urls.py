"""Where the golden dataset's addresses of the API lead."""

from __future__ import annotations

from django.urls import path

from evaluation.doors import methods
from evaluation.golden import api
from evaluation.golden import api_document as _api_document  # noqa: F401  (adds its paths to the document)
from evaluation.runs import api as runs

urlpatterns = [
    path("golden", methods(GET=api.list_datasets)),
    path("golden/<str:name>", methods(GET=api.read_dataset)),
    path("golden/<str:name>/cases", methods(POST=api.post_cases)),
    path("golden/<str:name>/versions", methods(GET=api.list_versions, POST=api.post_version)),
    path("golden/<str:name>/versions/<str:number>", methods(GET=api.read_version)),
    path("golden/<str:name>/versions/<str:number>/runs", methods(POST=runs.post_run)),
    path("golden/<str:name>/versions/<str:number>/<str:format>", methods(GET=api.read_version)),
    path("runs/<str:run_id>", methods(GET=runs.read_run)),
    path("runs/<str:run_id>/report.md", methods(GET=runs.run_markdown)),
    path("runs/<str:run_id>/junit.xml", methods(GET=runs.run_junit)),
    path("ci/touchstone.py", methods(GET=api.client_file)),
]
