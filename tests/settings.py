"""The settings under test: the real ones, on a database and data directory of the tests' own."""

import os

from tests import servers

os.environ["DATA_DIR"] = str(servers.directory_of_process())
os.environ.setdefault("SECRET_KEY", "qX7-for-tests-only-4f0c7d1e9ab24c6fb3a8e25d6190c7f2ab")

from reviewapp.settings import *  # noqa: F403
from reviewapp.settings import DATABASES, Q_CLUSTER

# A commit that need not survive a crash is quicker. The tests that kill things start the real server instead.
# A test is one transaction, in which a busy machine may take a minute to import a large library.
DATABASES["default"]["OPTIONS"]["options"] = (
    "-c synchronous_commit=off -c idle_in_transaction_session_timeout=0"
)
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
Q_CLUSTER["sync"] = True
