#!/bin/sh
# Everything that can be said about the code without running it; the environment's programs are on the PATH.
set -eu
cd "$(dirname "$0")/.."
export DATA_DIR="${DATA_DIR:-$PWD/var/lint}"

step() { echo "lint: $*"; "$@"; }

step ruff check --quiet .
step ruff format --check --quiet .
step mypy --no-error-summary ingest reviewapp evaluation tools manage.py
find templates -name '*.html' -exec djade --check --target-version 5.2 {} +
step lint-imports --no-cache
step python manage.py makemigrations --check --dry-run --verbosity 0
step python manage.py check --deploy --fail-level WARNING --database default
step python -m tools.check_floors
step python -m tools.check_tree
