"""The forms of queues and new rubrics: what a lead may type, and in which words it is asked."""

from __future__ import annotations

from typing import Any

from django import forms

from ingest.models import Project
from reviewapp.models import Membership
from reviewapp.review import pairs, presets
from reviewapp.review.models import AssignedTo, ItemKind, Queue, RubricVersion


def ranged(low: float, high: float, *, is_whole: bool = True, **settings: Any) -> forms.Field:
    """A field for numbers from `low` to `high`, which says so of anything else."""
    words = f"Give a {'whole ' * is_whole}number from {low:,} to {high:,}."
    told = dict.fromkeys(("required", "invalid", "min_value", "max_value"), words)
    kind: Any = forms.IntegerField if is_whole else forms.FloatField
    field: forms.Field = kind(min_value=low, max_value=high, error_messages=told, **settings)
    return field


# In minutes: in less than this nobody reads an item. For scripts the API takes less.
LEAST_LEASE = 0.5


def leased(least: float = LEAST_LEASE) -> forms.Field:
    # What is wrong stands in the place of the help: the unit stays.
    words = "How long an item is held: half a minute or more."
    return ranged(least, 1440, is_whole=False, initial=15, label="Lease in minutes", help_text=words)


class VersionChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.rubric.name} v{obj.number}"


class QueueForm(forms.Form):
    """Everything a queue is; `slug` and `kind` are asked for a new one only."""

    name = forms.CharField(max_length=120)
    slug = forms.SlugField(max_length=60, help_text="Used in addresses and rules, so it cannot be changed.")
    kind = forms.ChoiceField(choices=ItemKind.choices, help_text="Single traces, or pairs of answers.")
    description = forms.CharField(
        max_length=5000, required=False, widget=forms.Textarea(attrs={"rows": 2}), help_text="For reviewers."
    )
    rubric_version = VersionChoice(queryset=RubricVersion.objects.none(), label="Rubric", empty_label=None)
    move_open = forms.BooleanField(
        required=False,
        label="Move the items that wait to this version",
        help_text="Items with a lease or a label stay on the version they were started with; unless this is "
        "ticked, all open items do.",
    )
    overlap = ranged(1, 5, initial=1, help_text="Reviewers per item, 1 to 5.")
    lease_minutes = leased()
    assignment = forms.ChoiceField(choices=AssignedTo.choices, initial=AssignedTo.OPEN, label="Goes to")
    assignees = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Reviewers named",
        help_text="Needed unless it goes to anyone.",
    )
    audit_every = ranged(
        1, 100, initial=4, label="Audit lane",
        help_text="Every n-th item comes from the audit sample, unmarked.",
    )  # fmt: skip
    double_percent = ranged(
        0, 100, is_whole=False, initial=20, label="Audit items to a second reviewer",
        help_text="Per cent. How well two people agree is the ceiling for every judge.",
    )  # fmt: skip
    double_minimum = ranged(
        0,
        1000,
        initial=20,
        label="At least so many to a second reviewer",
        help_text="Audit items a day, if there are that many.",
    )
    due_days = ranged(1, 365, required=False, label="Due after", help_text="Days; empty: never.")
    blind = forms.BooleanField(
        required=False, initial=True,
        help_text="Scores, feedback, reasons and other labels are shown after the submit. Labels from a "
        "queue that is not blind count in no figure.",
    )  # fmt: skip
    paused = forms.BooleanField(required=False, help_text="Hands out no items; running leases may finish.")

    def __init__(self, project: Project, queue: Queue | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        versions = RubricVersion.objects.frozen().filter(rubric__project=project, rubric__archived_at=None)
        field: Any = self.fields["rubric_version"]
        field.queryset = versions.select_related("rubric").order_by("rubric__name", "-number")
        if not versions.exists():
            field.help_text = "There is none yet: freeze a rubric first."
        members = Membership.objects.filter(project=project).select_related("user").order_by("user__username")
        people: Any = self.fields["assignees"]
        people.choices = [(member.user.username, str(member.user)) for member in members]
        if queue is not None and (own := float(minutes(queue.lease_seconds))) < LEAST_LEASE:
            # What it has by the API is no reason to refuse what else is changed.
            self.fields["lease_minutes"] = leased(own)
        for name in ("slug", "kind") if queue else ("move_open",):
            del self.fields[name]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("assignment") != AssignedTo.OPEN and not cleaned.get("assignees"):
            self.add_error("assignees", "Name at least one reviewer, or open the queue to anyone.")
        return cleaned

    def settings(self) -> dict[str, Any]:
        """As queues.create and queues.change take them."""
        cleaned = self.cleaned_data
        same = ("name", "description", "overlap", "audit_every", "double_minimum", "due_days", "blind",
                "paused", "assignment", "assignees")  # fmt: skip
        return {name: cleaned[name] for name in same} | {
            "lease_seconds": max(round(cleaned["lease_minutes"] * 60), 1),
            "double_share": cleaned["double_percent"] / 100,
        }


def initial_of(queue: Queue) -> dict[str, Any]:
    same = ("name", "description", "rubric_version", "overlap", "audit_every", "double_minimum", "due_days",
            "blind", "paused", "assignment")  # fmt: skip
    people = queue.assignees.values_list("membership__user__username", flat=True)
    return {name: getattr(queue, name) for name in same} | {
        "lease_minutes": minutes(queue.lease_seconds),
        "double_percent": _short(queue.double_share * 100),
        "assignees": list(people),
    }


def minutes(seconds: int) -> str:
    return _short(seconds / 60)


def _short(value: float) -> str:
    """ "15" and not "15.0"."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


class RubricForm(forms.Form):
    name = forms.CharField(max_length=120)
    slug = forms.SlugField(max_length=60, help_text="Used in addresses and exports, so it cannot be changed.")
    template = forms.ChoiceField(
        choices=[(template.slug, template.name) for template in presets.TEMPLATES],
        label="Start from",
        help_text="Everything in it can be changed before it is frozen.",
    )


class PairsForm(forms.Form):
    """Two values to compare, answers that their users had made anew, or a list."""

    column = forms.ChoiceField(choices=list(pairs.WORDS.items()), label="Compare by", required=False)
    first = forms.CharField(max_length=200, required=False, help_text="Such as v3.")
    second = forms.CharField(max_length=200, required=False, help_text="Such as v4.")
    lines = forms.CharField(
        max_length=200_000, required=False, label="Or a list of pairs",
        widget=forms.Textarea(attrs={"rows": 3}), help_text="Two trace ids per line.",
    )  # fmt: skip

    def clean(self) -> dict[str, str]:
        cleaned: dict[str, str] = super().clean() or {}
        named = [cleaned.get("first"), cleaned.get("second")]
        is_named = all(named) or cleaned.get("column") == pairs.REGENERATED
        if not cleaned.get("lines") and not is_named:
            raise forms.ValidationError("Name both sides to compare, or give a list of pairs.")
        if all(named) and named[0] == named[1]:
            raise forms.ValidationError("The two sides are the same.")
        return cleaned
