"""What may be typed about redaction and feedback from browsers, and the errors for bad values."""

from __future__ import annotations

import re
from typing import Any

from django import forms

from ingest.feedback_door import origins
from ingest.feedback_door.origins import OriginRefused
from ingest.feedback_door.rows import FeedbackDoor
from ingest.redaction.phones import is_region
from ingest.redaction.policy import (
    MOST_ALLOWED,
    Kind,
    OwnPattern,
    PatternRefused,
    Policy,
    allowed_values,
    own_patterns,
)

# In the order of the page: what it is, and its placeholder.
KIND_WORDS = {
    Kind.SECRET: "Keys, tokens and passwords: known prefixes (sk-, ghp_, AKIA, xox, AIza, JWT, ts_…), Bearer "
    "and Basic credentials, private keys, passwords in addresses and in fields named as such.",
    Kind.CARD: "Payment cards: 13 to 19 digits of a known network with a valid check digit.",
    Kind.IBAN: "Bank accounts: IBANs of the country's length with valid check digits.",
    Kind.EMAIL: "E-mail addresses, also as user ids. The same address gets the same placeholder.",
    Kind.PHONE: "Phone numbers with + of every country; without it, of the countries below.",
    Kind.IP: "IP addresses, v4 and v6, except those of the machine itself.",
}
MOST_TYPED = 40_000


class RedactionForm(forms.Form):
    kinds = forms.MultipleChoiceField(
        label="What is masked",
        choices=[(kind.value, words) for kind, words in KIND_WORDS.items()],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    regions = forms.CharField(
        label="Countries of phone numbers",
        max_length=200,
        required=False,
        help_text="Numbers without + are found for these: DE, AT, US. Each costs some precision.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    patterns = forms.CharField(
        label="Your own patterns",
        max_length=MOST_TYPED,
        required=False,
        help_text="One per line: a name, a colon, an RE2 expression, such as customer: \\bKD-\\d{6}\\b",
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "class": "mono"}),
    )
    allowed = forms.CharField(
        label="Never masked",
        max_length=MOST_TYPED,
        required=False,
        help_text="One per line: a whole value such as support@example.org, or @example.org for a domain.",
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
    )

    @classmethod
    def showing(cls, policy: Policy) -> RedactionForm:
        return cls(initial=words_of(policy))

    def clean_regions(self) -> tuple[str, ...]:
        codes = re.split(r"[\s,;]+", self.cleaned_data["regions"].upper())
        regions = tuple(dict.fromkeys(code for code in codes if code))
        if unknown := [code for code in regions if not is_region(code)]:
            raise forms.ValidationError(
                f"{', '.join(unknown)}: a country is a two-letter code, such as DE or US."
            )
        if len(regions) > 10:
            raise forms.ValidationError("At most 10 countries: every number is tried with each.")
        return regions

    def clean_patterns(self) -> tuple[OwnPattern, ...]:
        lines = [line.strip() for line in self.cleaned_data["patterns"].splitlines() if line.strip()]
        pairs = []
        for line in lines:
            name, colon, pattern = line.partition(":")
            if not colon or not pattern.strip():
                raise forms.ValidationError(f"“{line[:60]}”: a line must be a name, a colon and a pattern.")
            pairs.append((name.strip(), pattern.strip()))
        try:
            return own_patterns(pairs)
        except PatternRefused as refused:
            raise forms.ValidationError(str(refused)) from None

    def clean_allowed(self) -> frozenset[str]:
        values = allowed_values(self.cleaned_data["allowed"].splitlines())
        if len(values) > MOST_ALLOWED or any(len(value) > 200 for value in values):
            raise forms.ValidationError(f"At most {MOST_ALLOWED} values of at most 200 characters.")
        return values

    def policy(self) -> Policy:
        return Policy(
            kinds=frozenset(self.cleaned_data["kinds"]),
            regions=self.cleaned_data["regions"],
            patterns=self.cleaned_data["patterns"],
            allowed=self.cleaned_data["allowed"],
        )


def words_of(policy: Policy) -> dict[str, Any]:
    return {
        "kinds": sorted(policy.kinds),
        "regions": ", ".join(policy.regions),
        "patterns": "\n".join(f"{own.name}: {own.pattern}" for own in policy.patterns),
        "allowed": "\n".join(sorted(policy.allowed)),
    }


class FeedbackDoorForm(forms.Form):
    origins = forms.CharField(
        label="Pages that may send feedback",
        max_length=MOST_TYPED,
        required=False,
        help_text="One origin per line, such as https://shop.example.org. Without any, no browser can send.",
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
    )
    address_a_minute = forms.IntegerField(
        label="Statements a minute from one address",
        min_value=1,
        max_value=100_000,
        help_text="People behind one address share the limit.",
    )
    key_a_minute = forms.IntegerField(
        label="Statements a minute with one token", min_value=1, max_value=1_000_000
    )
    requires_signature = forms.BooleanField(
        label="Take signed feedback only",
        required=False,
        help_text="Each statement then needs a signature that your backend makes for the trace.",
    )

    @classmethod
    def showing(cls, door: FeedbackDoor) -> FeedbackDoorForm:
        return cls(
            initial={
                "origins": "\n".join(door.origins),
                "address_a_minute": door.address_a_minute,
                "key_a_minute": door.key_a_minute,
                "requires_signature": door.requires_signature,
            }
        )

    def clean_origins(self) -> list[str]:
        typed = [line.strip() for line in self.cleaned_data["origins"].splitlines() if line.strip()]
        try:
            found = list(dict.fromkeys(origins.normal(line) for line in typed))
        except OriginRefused as refused:
            raise forms.ValidationError(str(refused)) from None
        if len(found) > origins.MOST_ORIGINS:
            raise forms.ValidationError(f"At most {origins.MOST_ORIGINS} origins.")
        return found
