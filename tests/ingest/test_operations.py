"""Operations of the native API run without what django-ninja does around them, and answer the same."""

import inspect

import pytest

from ingest import operations, tokens
from ingest.api import api
from ingest.models import Scope


def operations_of_the_api():
    for pattern in api.urls[0]:
        if pattern.name in {"openapi-json", "openapi-view", "api-root"}:
            continue
        yield from inspect.getclosurevars(pattern.callback).nonlocals["self"].operations


def test_every_operation_is_carried_out_directly():
    found = list(operations_of_the_api())
    assert len(found) > 20
    assert {operation.run.__name__ for operation in found} == {"carried_out"}


def test_one_with_arguments_of_another_kind_is_left_to_django_ninja():
    with_query = next(operations_of_the_api()).clone()

    class Asked:
        __ninja_param_source__ = "query"

    with_query.models, with_query.api = [Asked], api
    run = with_query.run
    assert operations.directly(run) is run


@pytest.mark.django_db
def test_the_guard_comes_first_and_what_is_raised_becomes_an_answer(client, project):
    asked = {"path": "/api/v1/queues/none/claim", "content_type": "application/json"}
    assert client.post(**asked).status_code == 401
    for scope, status in ((Scope.INGEST, 403), (Scope.LABELS_WRITE, 404)):
        issued = tokens.issue(project, "t", [scope])
        told = client.post(**asked, headers={"Authorization": f"Bearer {issued.text}"})
        assert (told.status_code, told.json()["status"]) == (status, status)
