"""The settings under test: the real ones, on a database and data directory of the tests' own."""

import os
from pathlib import Path

# Tests that run side by side have a data directory, and with it an embedded PostgreSQL, for each process; so
# has the program that such a test starts.
PLACE = Path(os.environ.get("DATA_DIR") or Path(__file__).resolve().parent.parent / "var" / "test")
PROCESS = os.environ.get("PYTEST_XDIST_WORKER", "")
os.environ["DATA_DIR"] = str(PLACE if PLACE.name == PROCESS else PLACE / PROCESS)
os.environ.setdefault("SECRET_KEY", "qX7-for-tests-only-4f0c7d1e9ab24c6fb3a8e25d6190c7f2ab")

from reviewapp.settings import *  # noqa: F403
from reviewapp.settings import DATABASES, Q_CLUSTER

# A commit that need not survive a crash is quicker. The tests that kill things start the real server instead.
DATABASES["default"]["OPTIONS"]["options"] = "-c synchronous_commit=off"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
Q_CLUSTER["sync"] = True
