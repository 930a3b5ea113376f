"""What may be typed about the rates of a stratum, in per cent."""

from __future__ import annotations

from django import forms

STEP = forms.NumberInput(attrs={"step": "any", "inputmode": "decimal"})


class RateForm(forms.Form):
    audit = forms.FloatField(
        label="Audited, %",
        min_value=0,
        max_value=100,
        widget=STEP,
        help_text="Drawn by chance for a human label.",
    )
    judge = forms.FloatField(
        label="Judged, %",
        min_value=0,
        max_value=100,
        widget=STEP,
        help_text="Of the others, drawn for the automatic judges: j − a.",
    )
    reason = forms.CharField(max_length=200, required=False, help_text="Shown in the history.")

    @property
    def shares(self) -> tuple[float, float]:
        return self.cleaned_data["audit"] / 100, self.cleaned_data["judge"] / 100


class BoostForm(forms.Form):
    factor = forms.FloatField(label="Times", min_value=1.01, max_value=1000, initial=5, widget=STEP)
    hours = forms.FloatField(label="For hours", min_value=0.1, max_value=744, initial=24, widget=STEP)
    why = forms.CharField(label="Reason", max_length=200, required=False)


class StratumForm(forms.Form):
    """Names the stratum that is meant; the empty one is that of traces without a route."""

    stratum = forms.CharField(max_length=200, required=False, strip=False)
