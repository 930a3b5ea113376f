"""Where the API's addresses of CI runs lead. They come before those of versions: a format has any name."""

from __future__ import annotations

from django.urls import path

from evaluation.doors import methods
from evaluation.runs import api

urlpatterns = [
    path("golden/<str:name>/versions/<str:number>/runs", methods(POST=api.post_run)),
    path("runs/<str:run_id>", methods(GET=api.read_run)),
    path("runs/<str:run_id>/report.md", methods(GET=api.run_markdown)),
    path("runs/<str:run_id>/junit.xml", methods(GET=api.run_junit)),
]
