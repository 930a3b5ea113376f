"""Where the pages of the golden dataset lead, below a project."""

from __future__ import annotations

from django.urls import path

from evaluation.golden.pages import candidates, cases, datasets, versions

urlpatterns = [
    path("golden", datasets.golden, name="golden"),
    path("golden-candidates", candidates.golden_candidates, name="golden_candidates"),
    path("golden-candidates/<int:pk>", candidates.golden_candidate, name="golden_candidate"),
    path("review-items/<int:pk>/propose", candidates.propose_candidate, name="propose_candidate"),
    path("review-items/<int:pk>/effects", candidates.label_effects, name="label_effects"),
    path("golden/<str:name>", datasets.golden_dataset, name="golden_dataset"),
    path("golden/<str:name>/publish", datasets.publish_golden, name="publish_golden"),
    path("golden/<str:name>/settings", datasets.golden_settings, name="golden_settings"),
    path("golden/<str:name>/health", datasets.golden_health, name="golden_health"),
    path("golden/<str:name>/health/clusters", datasets.golden_clusters, name="golden_clusters"),
    path("golden/<str:name>/compare", versions.compare_golden, name="compare_golden"),
    path("golden/<str:name>/versions/<int:pk>", versions.golden_version, name="golden_version"),
    path("golden/<str:name>/versions/<int:pk>/withdraw", versions.withdraw_golden, name="withdraw_golden"),
    path("golden/<str:name>/versions/<int:pk>/restore", versions.restore_golden, name="restore_golden"),
    path(
        "golden/<str:name>/versions/<int:pk>/files/<str:format>",
        versions.download_golden,
        name="download_golden",
    ),
    path("golden/<str:name>/cases", cases.golden_cases, name="golden_cases"),
    path("golden/<str:name>/cases/change", cases.change_cases, name="change_cases"),
    path("golden/<str:name>/cases/new", cases.new_case, name="new_case"),
    path("golden/<str:name>/cases/preview", cases.preview_case, name="preview_case"),
    path("golden/<str:name>/cases/import", cases.import_cases, name="import_cases"),
    path("golden/<str:name>/case/<any:case_id>", cases.golden_case, name="golden_case"),
]
