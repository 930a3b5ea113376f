"""What leads may type about judges, and what is said when it cannot be taken."""

from __future__ import annotations

from typing import Any

from django import forms

from evaluation.judges import endpoints
from evaluation.judges.models import NAME_CHARACTERS, Kind
from ingest.models import Project
from reviewapp.review.models import VERDICT, RubricVersion

EXAMPLE = '{"rules": [{"contains": "as an AI", "weight": 0.8}, {"empty": true}], "threshold": 0.5}'


class VersionForm(forms.Form):
    """A version of a judge that runs here."""

    name = forms.CharField(
        max_length=NAME_CHARACTERS,
        help_text="A judge that is there gets another version; a new name a new judge.",
    )
    kind = forms.ChoiceField(
        choices=[
            (Kind.RULES.value, "Rules in Python, no network"),
            (Kind.LITELLM.value, "A provider's model"),
        ]
    )
    endpoint = forms.ChoiceField(required=False, help_text="From the operator's list (JUDGES_FILE).")
    rubric = forms.ModelChoiceField(
        queryset=RubricVersion.objects.none(), required=False, help_text="Whose labels it is held against."
    )
    criterion = forms.SlugField(initial=VERDICT, max_length=60)
    prompt = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 6}),
        max_length=20_000,
        help_text="What passes and what fails. Empty: the rubric's own words. The trace follows as data.",
    )
    parameters = forms.JSONField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text=f"JSON, such as {EXAMPLE}",
    )

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rubrics: Any = self.fields["rubric"]
        rubrics.queryset = (
            RubricVersion.objects.frozen()
            .filter(rubric__project=project, rubric__archived_at=None)
            .select_related("rubric")
            .order_by("rubric__name", "-number")
        )
        rubrics.label_from_instance = lambda version: f"{version.rubric.name} v{version.number}"
        choice: Any = self.fields["endpoint"]
        choice.choices = [("", "none"), *((name, _told(each)) for name, each in _known().items())]

    def clean_name(self) -> str:
        return str(self.cleaned_data["name"]).strip()

    def clean_parameters(self) -> dict[str, Any]:
        given = self.cleaned_data["parameters"] or {}
        if not isinstance(given, dict):
            raise forms.ValidationError("A JSON object is wanted: {...}.")
        return given


class RunForm(forms.Form):
    """What to judge now."""

    what = forms.ChoiceField(
        choices=[("drawn", "What was drawn by chance"), ("anchors", "The anchor set"), ("trace", "One trace")]
    )
    trace = forms.CharField(required=False, max_length=128)


def _known() -> dict[str, endpoints.Endpoint]:
    try:
        return endpoints.known()
    except endpoints.Misconfigured:
        return {}


def _told(endpoint: endpoints.Endpoint) -> str:
    warning = "" if endpoint.is_pinned else " (floating: it may change unseen)"
    return f"{endpoint.name}: {endpoint.model}{warning}"
