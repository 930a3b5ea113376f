"""Which bytes does an address ask for? The version, the format, and the part of its cases."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from django.http import QueryDict

from evaluation.golden.content import formats
from evaluation.golden.content.lines import parse
from evaluation.golden.draft.cases import find_dataset
from evaluation.golden.models import GoldenDataset, GoldenVersion
from evaluation.golden.published import slices, versions
from evaluation.golden.published.serving import Rendered, Representation, Stored
from ingest.models import Project
from ingest.problems import Problem

ROOT = "/api/v1/golden"


@dataclass(frozen=True, slots=True)
class Selection:
    """Cases of any of the splits, and with any of the tags; empty for all."""

    splits: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.splits or self.tags)

    def takes(self, split: str, tags: list[str]) -> bool:
        return (not self.splits or split in self.splits) and (
            not self.tags or not set(self.tags).isdisjoint(tags)
        )

    def query(self) -> str:
        pairs = [("split", each) for each in self.splits] + [("tag", each) for each in self.tags]
        return f"?{urlencode(pairs)}" if pairs else ""


def selection(query: QueryDict) -> Selection:
    return Selection(
        tuple(each for each in query.getlist("split") if each),
        tuple(each for each in query.getlist("tag") if each),
    )


def dataset(project: Project, name: str) -> GoldenDataset:
    """Raises Problem 404."""
    found = find_dataset(project, name) if "\0" not in name else None
    if found is None:
        raise Problem(404, "This project has no such golden dataset.")
    return found


def version(of: GoldenDataset, number: str) -> GoldenVersion:
    """Raises Problem: 404 unknown, 409 draft, 410 withdrawn."""
    try:
        found = versions.find(of, number)
    except versions.NoVersion as refusal:
        raise Problem(404, f"{of.name}: {refusal}") from None
    except versions.Unpublished as refusal:
        raise Problem(409, str(refusal)) from None
    except versions.Withdrawn as refusal:
        raise withdrawn(refusal.version) from None
    found.dataset = of
    return found


def withdrawn(found: GoldenVersion) -> Problem:
    return Problem(410, f"Version {found.number} is withdrawn: {found.withdrawn_reason}")


def representation(found: GoldenVersion, number: str, name: str, part: Selection) -> Representation:
    """The stored bytes, or the part asked for rendered from the stored lines. Raises Problem 404 or 410."""
    wanted = formats.FORMATS.get(name or formats.NATIVE)
    if wanted is None:
        raise Problem(404, f"There is no format {name}; there are {', '.join(formats.FORMATS)}.")
    try:
        body, items = _part(found, wanted.name, part) if part else _whole(found, wanted.name)
    except slices.Gone:
        raise Problem(410, f"Version {found.number} was withdrawn.") from None
    return Representation(
        version=found,
        body=body,
        media_type=wanted.media_type,
        items=items,
        file_name=f"{found.dataset.name}-v{found.number}.{wanted.name}",
        location=_location(found, name, part) if number == versions.LATEST else "",
    )


def _whole(found: GoldenVersion, name: str) -> tuple[Stored, int]:
    body = versions.body_of(found, name)
    return Stored(body.pk, bytes(body.sha256), body.size), found.items


def _part(found: GoldenVersion, name: str, part: Selection) -> tuple[Rendered, int]:
    lines = selected_lines(found, part)
    return Rendered(formats.render(name, lines)), len(lines)


def selected_lines(found: GoldenVersion, part: Selection) -> list[str]:
    """The stored native lines that the selection takes."""
    content = slices.whole(versions.body_of(found, formats.NATIVE).pk)
    lines = content.decode().split("\n")[:-1]
    if not part:
        return lines
    return [line for line in lines if part.takes(*_facts(line))]


def _facts(line: str) -> tuple[str, list[str]]:
    value = parse(line)
    return value["split"], value["tags"]


def _location(found: GoldenVersion, name: str, part: Selection) -> str:
    path = f"{ROOT}/{quote(found.dataset.name)}/versions/{found.number}"
    return f"{path}{'/' + name if name else ''}{part.query()}"
