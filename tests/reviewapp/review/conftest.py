"""A queue and people who review."""

from __future__ import annotations

import pytest
from django.db import connection

from reviewapp.models import Role
from tests.reviewapp.review.canaries import Canaries, furnished
from tests.reviewapp.review.making import make_queue, make_reviewer


@pytest.fixture(scope="module")
def committed(django_db_setup, django_db_blocker):
    """Real commits, which other connections see; swept away once, as that takes seconds."""
    with django_db_blocker.unblock():
        yield
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE ingest_project, reviewapp_user CASCADE")
        connection.close()


@pytest.fixture
def queue(project):
    return make_queue(project)


@pytest.fixture
def rita(project):
    return make_reviewer(project, "rosa")


@pytest.fixture
def paul(project):
    return make_reviewer(project, "paul")


@pytest.fixture
def lead_user(project):
    return make_reviewer(project, "leonie", Role.LEAD)


@pytest.fixture
def canaries():
    return Canaries()


@pytest.fixture
def house(project, reviewer, lead, api, canaries):
    """One trace in each standing; what is planted in it, and the real values of every part of an address."""
    return furnished(project, reviewer, api, canaries)
