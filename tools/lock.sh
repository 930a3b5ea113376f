#!/bin/sh
# Compile the requirements files from pyproject.toml: pinned, hashed, for every platform, without any address.
set -eu
cd "$(dirname "$0")/.."
compile() { .venv/bin/uv pip compile --quiet --upgrade --universal --generate-hashes --no-header --no-annotate "$@"; }
compile --extra embedded pyproject.toml -o requirements.txt
compile --extra embedded --group dev -c requirements.txt pyproject.toml -o requirements-dev.txt
echo uv | compile - -o requirements-uv.txt
