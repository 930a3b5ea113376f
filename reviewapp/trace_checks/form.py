"""The form of one check: whether it runs, and its parameters, read by the parameters' own rules."""

from __future__ import annotations

from typing import Any

from django import forms

from ingest.trace_checks.parameters import Parameter
from ingest.trace_checks.rows import CheckSetting
from ingest.trace_checks.settings import Refused, differing
from ingest.trace_checks.vocabulary import Check


class CheckForm(forms.Form):
    enabled = forms.BooleanField(
        required=False,
        label="On",
        help_text="Off: traces that settle from now on get no score from this check.",
    )

    def __init__(self, check: Check, setting: CheckSetting | None, data: Any = None) -> None:
        self.check = check
        values = check.defaults() | (setting.parameters if setting else {})
        initial = {"enabled": setting is None or setting.enabled} | {
            each.name: _typed(each, values[each.name]) for each in check.parameters
        }
        super().__init__(data, initial=initial)
        for each in check.parameters:
            self.fields[each.name] = _field(each)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        try:
            self.parameters = differing(self.check, {**cleaned})
        except Refused as refused:
            for name, error in refused.errors.items():
                self.add_error(name, error)
        return cleaned


def _typed(parameter: Parameter, value: Any) -> Any:
    """The value as somebody would type it."""
    if isinstance(value, list) and parameter.form in ("words", "text"):
        return ("\n" if parameter.form == "words" else ", ").join(value)
    return f"{value:.10g}" if isinstance(value, float) else value


def _field(parameter: Parameter) -> forms.Field:
    told: dict[str, Any] = {"label": parameter.label, "help_text": parameter.help, "required": False}
    if parameter.unit:
        told["label"] = f"{parameter.label}, {parameter.unit}"
    if parameter.form == "yes_or_no":
        return forms.BooleanField(**told)
    if parameter.form == "choices":
        return forms.MultipleChoiceField(
            **told, choices=parameter.choices, widget=forms.CheckboxSelectMultiple
        )
    if parameter.form == "words":
        return forms.CharField(**told, max_length=120_000, widget=forms.Textarea(attrs={"rows": 4}))
    if parameter.form == "text":
        return forms.CharField(**told, max_length=200)
    told["required"] = True
    return forms.CharField(**told, max_length=30, widget=forms.TextInput(attrs={"inputmode": "decimal"}))
