"""What leads may type about judges, and the errors for bad values."""

from __future__ import annotations

import json
from typing import Any

from django import forms

from evaluation.judges.calls import endpoints, votes
from evaluation.judges.judgments.running import queues_for
from evaluation.judges.models import NAME_CHARACTERS, PREFERENCE, JudgeVersion, Kind
from ingest import documents, sanitising
from ingest.models import Project
from reviewapp.review.models import VERDICT, Queue, RubricVersion

EXAMPLE = '{"rules": [{"contains": "as an AI", "weight": 0.8}, {"empty": true}], "threshold": 0.5}'


class VersionForm(forms.Form):
    """A version of a judge that runs here."""

    name = forms.CharField(
        max_length=NAME_CHARACTERS,
        help_text="An existing judge gets another version; a new name makes a new judge.",
    )
    kind = forms.ChoiceField(
        choices=[
            (Kind.RULES.value, "Rules in Python, no network"),
            (Kind.LITELLM.value, "A provider's model"),
        ]
    )
    endpoint = forms.ChoiceField(required=False, help_text="From the operator's list (JUDGES_FILE).")
    rubric = forms.ModelChoiceField(
        queryset=RubricVersion.objects.none(),
        required=False,
        help_text="The rubric whose labels it is compared with.",
    )
    criterion = forms.SlugField(
        initial=VERDICT,
        max_length=60,
        help_text=f"{VERDICT}, the key of a criterion of the rubric, or {PREFERENCE} for a judge of pairs.",
    )
    samples = forms.TypedChoiceField(
        coerce=int,
        required=False,
        empty_value="1",
        choices=[(1, "Once"), *((k, f"{k} times, by vote") for k in range(3, votes.MOST + 1, 2))],
        label="Asked",
        help_text="Each further answer costs as much again; the share of the vote is the confidence.",
    )
    prompt = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 6}),
        max_length=20_000,
        help_text="What passes and what fails. Empty: the rubric's own words. The trace follows as data.",
        strip=True,
    )
    parameters = forms.CharField(
        required=False,
        max_length=100_000,
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
        known = [] if self.is_bound else list(rubrics.queryset)
        if len({version.rubric_id for version in known}) == 1:  # nothing to choose between
            rubrics.initial = known[0]
        rubrics.label_from_instance = lambda version: f"{version.rubric.name} v{version.number}"
        choice: Any = self.fields["endpoint"]
        choice.choices = [("", "none"), *((name, _told(each)) for name, each in _known().items())]

    def clean_name(self) -> str:
        return str(self.cleaned_data["name"]).strip()

    def clean_parameters(self) -> dict[str, Any]:
        flags: set[str] = set()
        try:
            given = documents.parse((self.cleaned_data["parameters"] or "{}").encode())
        except documents.Malformed as error:
            raise forms.ValidationError(f"This is not JSON: {error}") from None
        if not isinstance(given, dict):
            raise forms.ValidationError("Must be a JSON object: {...}.")
        given = sanitising.json_value(given, flags)
        if flags:
            raise forms.ValidationError("It holds a number or a character that cannot be stored unchanged.")
        return dict(given)

    def pinned(self) -> dict[str, Any]:
        """What is to be pinned, as drafts and versions take it."""
        given = self.cleaned_data
        names = ("criterion", "endpoint", "prompt", "parameters")
        told = {name: given[name] for name in names}
        return told | {"kind": Kind(given["kind"]), "rubric_version": given["rubric"]}

    def clean(self) -> dict[str, Any]:
        """How often it is asked is a parameter like the others, unless they say it themselves."""
        given: dict[str, Any] = super().clean() or {}
        samples, parameters = int(given.get("samples") or 1), given.get("parameters")
        if parameters is not None and samples > 1:
            given["parameters"] = {votes.SAMPLES: samples} | parameters
        return given


def begun_with(version: JudgeVersion) -> dict[str, Any]:
    """What a form holds at first that changes this version."""
    parameters = dict(version.parameters)
    samples = parameters.pop(votes.SAMPLES, 1)
    return {
        "name": version.judge.name,
        "kind": version.kind,
        "endpoint": version.endpoint,
        "rubric": version.rubric_version,
        "criterion": version.criterion,
        "samples": samples,
        "prompt": version.prompt,
        "parameters": json.dumps(parameters, indent=1, ensure_ascii=False) if parameters else "",
    }


class TryForm(VersionForm):
    """The same for a version that is only tried, on one trace."""

    trace = forms.CharField(required=False, max_length=128)

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(project, *args, **kwargs)
        self.fields["name"].required = False


class RunForm(forms.Form):
    """What to judge now."""

    what = forms.ChoiceField(
        choices=[
            ("drawn", "Randomly drawn traces"),
            ("anchors", "The anchor set"),
            ("queue", "A queue, before people"),
            ("trace", "One trace"),
        ]
    )
    trace = forms.CharField(required=False, max_length=128)
    queue = forms.ModelChoiceField(Queue.objects.none(), required=False, to_field_name="slug")
    standing = forms.BooleanField(required=False)
    both_orders = forms.BooleanField(required=False)

    def __init__(self, version: JudgeVersion, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        queues: Any = self.fields["queue"]
        queues.queryset = queues_for(version)

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if given.get("what") == "queue" and not given.get("queue"):
            self.add_error("queue", "Choose a queue.")
        return given


def _known() -> dict[str, endpoints.Endpoint]:
    try:
        return endpoints.known()
    except endpoints.Misconfigured:
        return {}


def _told(endpoint: endpoints.Endpoint) -> str:
    warning = "" if endpoint.is_pinned else " (floating: it may change unseen)"
    return f"{endpoint.name}: {endpoint.model}{warning}"
