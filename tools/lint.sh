#!/bin/sh
# Everything that can be said about the code without running it; the environment's programs are on the PATH.
# All steps are taken, so that one run shows all that is wrong.
set -u
cd "$(dirname "$0")/.."
export DATA_DIR="${DATA_DIR:-$PWD/var/lint}"
failed=0

step() {
    echo "lint: $*"
    "$@" || failed=1
}

templates() { find templates -name '*.html' -exec djade --check --target-version 5.2 {} +; }

# The settings of a real installation: https, a name of its own.
deployed() {
    CSRF_TRUSTED_ORIGINS=https://review.example.org ALLOWED_HOSTS=review.example.org \
        python manage.py check --deploy --fail-level WARNING
}

step ruff check --quiet .
step ruff format --check --quiet .
step mypy --no-error-summary ingest reviewapp evaluation tools manage.py
step templates
step lint-imports --no-cache
step python manage.py makemigrations --check --dry-run
step python manage.py check --deploy --fail-level WARNING --database default
step deployed
step python -m tools.check_floors
step python -m tools.check_tree
exit $failed
