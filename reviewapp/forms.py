"""What people may type on the pages of this floor, and the errors for bad values."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from ingest.models import Project, Scope
from reviewapp.models import Role, User

# What a scope lets a token do, in the order in which people need them.
SCOPE_WORDS = {
    Scope.INGEST: "Send traces, scores and feedback. The scope your application needs.",
    Scope.FEEDBACK: "Send feedback on traces that already exist. The scope for browsers.",
    Scope.TRACES_READ: "Read traces with their scores and feedback.",
    Scope.LABELS_READ: "Read what reviewers decided, with every revision.",
    Scope.LABELS_WRITE: "Claim and label items as this token's own reviewer.",
    Scope.IMPERSONATE: "Label in the name of a reviewer of the project. Never implied by another scope.",
    Scope.GOLDEN_READ: "Download golden datasets.",
    Scope.GOLDEN_WRITE: "Add golden cases and publish versions.",
    Scope.RUNS_WRITE: "Report test runs from CI and get the gate's decision.",
    Scope.QUALITY_READ: "Read judges, calibration, service levels and alerts.",
    Scope.ADMIN: "Everything above except impersonate, plus setting up queues, rubrics and members.",
}
EXPIRY_DAYS = {"30": "in 30 days", "90": "in 90 days", "365": "in a year", "": "never"}


class ProjectForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Project
        fields = ["name"]


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]
    """Not the e-mail address: sign-on finds an account by it, so nobody may take one for their own."""

    class Meta:
        model = User
        fields = ["first_name", "last_name"]


class MemberForm(forms.Form):
    """Someone to add: an account that exists, or a new one."""

    username = forms.CharField(
        max_length=150,
        validators=[User.username_validator],
        help_text="If there is no such account, one is created, with a password that is shown once.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    role = forms.ChoiceField(choices=Role.choices, initial=Role.REVIEWER)


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=Role.choices)


class TokenForm(forms.Form):
    name = forms.CharField(max_length=120, help_text="Who or what uses it.")
    scopes = forms.MultipleChoiceField(
        choices=[(scope.value, words) for scope, words in SCOPE_WORDS.items()],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one: a token without a scope can do nothing."},
    )
    expires = forms.ChoiceField(choices=list(EXPIRY_DAYS.items()), required=False, initial="365")
    branches = forms.CharField(
        max_length=500,
        required=False,
        help_text="For runs:write only: patterns such as main or release/*, separated by spaces. Empty: any.",
    )

    trusted_for_reviews = forms.BooleanField(
        required=False,
        label="Trusted for reviews",
        help_text="For impersonate only: labels it gives in people's names count in the figures.",
    )

    def clean_branches(self) -> list[str]:
        patterns = str(self.cleaned_data["branches"]).replace(",", " ").split()
        if any(len(pattern) > 120 for pattern in patterns):
            raise forms.ValidationError("A pattern has at most 120 characters.")
        return patterns

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("branches") and Scope.RUNS_WRITE not in cleaned.get("scopes", []):
            self.add_error(
                "branches", "Branches apply to runs:write only; choose it too, or leave this empty."
            )
        if cleaned.get("trusted_for_reviews") and Scope.IMPERSONATE not in cleaned.get("scopes", []):
            self.add_error("trusted_for_reviews", "This applies to impersonate only; choose it too.")
        return cleaned

    def expires_at(self) -> datetime | None:
        days = self.cleaned_data["expires"]
        return timezone.now() + timedelta(days=int(days)) if days else None
