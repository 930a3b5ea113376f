from typing import Any

from django.db import migrations, models

STRUCTURE = ("type", "minimum", "maximum", "critical", "required", "shown")


def keep_declared(apps: Any, _: Any) -> None:
    """Drafts said it by the number alone: another one for the same structure, or the one after the next."""
    criteria = apps.get_model("reviewapp", "CriterionRevision").objects
    for now in criteria.filter(version__stage="draft").select_related("version"):
        earlier = criteria.filter(version__rubric=now.version.rubric_id, version__stage="frozen", key=now.key)
        if not (before := list(earlier.order_by("version__number"))):
            continue
        following = 1 + max(each.meaning for each in before)
        is_other = now.meaning != before[-1].meaning and structure(now) == structure(before[-1])
        if is_other or now.meaning > following:
            now.new_meaning, now.meaning = True, min(now.meaning, following)
            now.save(update_fields=["new_meaning", "meaning"])


def structure(criterion: Any) -> list[Any]:
    options = [option["value"] for option in criterion.options]
    return [options, *(getattr(criterion, name) for name in STRUCTURE)]


class Migration(migrations.Migration):
    dependencies = [("reviewapp", "0006_assignment_skipped")]

    operations = [
        migrations.AddField("criterionrevision", "new_meaning", models.BooleanField(default=False)),
        migrations.RunPython(keep_declared, migrations.RunPython.noop),
    ]
