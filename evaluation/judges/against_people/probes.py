"""Is a judge swayed by length, tone, authority or its own family? The bias probes, from its pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db.backends.utils import CursorWrapper
from django.db.models import Count

from evaluation.judges.against_people import families
from evaluation.judges.against_people.families import Kinship
from evaluation.judges.calls.endpoints import Misconfigured, known
from evaluation.judges.models import JudgeVersion, Kind
from evaluation.statistics import bias
from evaluation.statistics.bias import Probed
from evaluation.statistics.figure import unknown
from ingest.json_objects import Json
from ingest.models import Trace

# Words by which an answer claims to be beyond doubt, and by which it tries to please; English and German.
AUTHORITY = (
    r"\y(according to|as (stated|required) (in|by)|official(ly)?|guarantee[ds]?|studies show|experts?"
    r"|certified|without (any )?doubt|definitely|certainly|laut|gemäß|garantier(t|en)|offiziell|zweifellos"
    r"|nachweislich)\y"
)
TONE = (
    r"(!|\y(sorry|apologi[sz]e|apologies|happy to|glad to|delighted|great question|of course|please"
    r"|thank you|entschuldigung|leider|gerne|selbstverständlich|vielen dank|bitte)\y)"
)
RECENT = 2000
# The newest pairs that are probed.
MOST = 5000


class Seen(NamedTuple):
    """A pair as read from the database."""

    trace: int
    people_fail: bool
    judge_fails: bool
    score: float | None
    labels: int
    route: str
    prompt: str
    letters: float | None  # None where the trace's text is still to be read
    authority: bool
    tone: bool
    model: str
    provider: str

    def row(self, of: int) -> list[Any]:
        """As a row of a list of so many (see behind)."""
        people, judge = ("fail" if fails else "pass" for fails in (self.people_fail, self.judge_fails))
        return [self.trace, people, judge, self.score, self.labels, self.route, self.prompt, of]


def listed(cursor: CursorWrapper, most: int) -> list[Seen]:
    """The newest pairs of those that are laid out."""
    cursor.execute(
        "SELECT x.trace_id, x.human = 'fail', x.judge = 'fail', x.score, x.fails + x.passes, x.route, "
        "x.prompt_version, CASE WHEN t.stale_since IS NULL THEN length(t.output)::float8 END, "
        "left(t.output, 8000) ~* %s, left(t.output, 8000) ~* %s, "
        "coalesce(nullif(x.model, ''), t.model), t.provider FROM (SELECT * FROM weighed WHERE fate IS NULL "
        "ORDER BY at DESC, trace_id DESC LIMIT %s) x JOIN ingest_trace t ON t.id = x.trace_id ORDER BY t.id",
        [AUTHORITY, TONE, most],
    )
    return [Seen(*row) for row in cursor.fetchall()]


def tell(version: JudgeVersion, seen: Sequence[Seen]) -> Json:
    """Each probe's figure, and of which families judge and judged are, as page and API show them."""
    own = family_of(version)
    read = [each for each in seen if each.letters is not None]
    lengths = [(each.people_fail, each.judge_fails, each.letters or 0.0) for each in read]
    figures = {
        "length": bias.length(lengths).as_dict(),
        "tone": bias.given_people_and_length([_probed(each, each.tone) for each in read]).as_dict(),
        "authority": bias.given_people_and_length([_probed(each, each.authority) for each in read]).as_dict(),
        "self_preference": _of_own(own, seen),
    }
    related = _kinship(version, own, [(_family(each), 1) for each in seen])
    return {"bias": figures, "family": told_kinship(related)}


def has_it(seen: Seen, probe: str, own: str) -> bool:
    """Whether a pair has what a probe asks for; every answer has a length."""
    if probe == "self_preference":
        return bool(own) and _family(seen) == own
    return seen.letters is not None and (probe == "length" or bool(getattr(seen, probe)))


def _of_own(own: str, seen: Sequence[Seen]) -> Json:
    """Only pairs whose model's family is known say something of it."""
    if not own:
        return unknown("the family of the judge is not known", 0).as_dict()
    named = [(each, family) for each in seen if (family := _family(each))]
    return bias.given_people([_probed(each, family == own) for each, family in named]).as_dict()


def _probed(seen: Seen, has_it: bool) -> Probed:
    return Probed(seen.people_fail, seen.judge_fails, seen.letters or 0.0, has_it)


def _family(seen: Seen) -> str:
    return families.of(seen.model, seen.provider)


def family_of(version: JudgeVersion) -> str:
    """As the operator states it, else by the model's name."""
    if version.kind == Kind.LITELLM:
        try:
            endpoint = known().get(version.endpoint)
        except Misconfigured:
            endpoint = None
        if endpoint and endpoint.family:
            return endpoint.family.strip().lower()
    return "" if version.kind == Kind.RULES else families.of(version.model)


def kinship(version: JudgeVersion, seen: Sequence[Seen] = ()) -> Kinship:
    """Beside what it judged and people labelled; while there is none, beside the project's newest traces."""
    judged = [(_family(each), 1) for each in seen]
    return _kinship(version, family_of(version), judged)


def _kinship(version: JudgeVersion, own: str, judged: list[tuple[str, int]]) -> Kinship:
    has_model = version.kind != Kind.RULES
    if not judged and has_model:
        judged = recent(version)
    return families.kinship(own, judged, has_model=has_model)


def recent(version: JudgeVersion) -> list[tuple[str, int]]:
    """The families of the project's newest traces that name a model."""
    newest = Trace.objects.filter(project=version.judge.project_id).exclude(model="").order_by("-id")
    counted = Trace.objects.filter(pk__in=newest.values("pk")[:RECENT]).values_list("model", "provider")
    return [
        (families.of(model, provider), n)
        for model, provider, n in counted.annotate(n=Count("pk")).order_by("model")
    ]


def told_kinship(found: Kinship) -> Json:
    return {
        "judge": found.judge or None,
        "judged": [{"family": family or None, "n": n} for family, n in found.judged],
        "same": found.same,
        "warning": found.warning or None,
        "note": found.note or None,
    }
