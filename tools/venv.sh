#!/bin/sh
# Make or complete .venv from a requirements file whose every line carries a hash.
set -eu
cd "$(dirname "$0")/.."

fit() { "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

# For a new environment, unless PYTHON names one. The system's own comes first: distributions build theirs with
# all optimisations, version managers mostly without, and the same request then takes a third more.
find_python() {
    set -- /usr/bin/python3 python3 python3.14 python3.13 python3.12 python3.11
    if [ -n "${PYTHON:-}" ]; then set -- "$PYTHON"; fi
    for name in "$@"; do
        if command -v "$name" >/dev/null && fit "$name"; then
            command -v "$name"
            return
        fi
    done
}

if ! [ -x .venv/bin/python ] || ! fit .venv/bin/python; then
    python=$(find_python)
    if [ -z "$python" ] && [ -z "${PYTHON:-}" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq && apt-get install -qq -y python3 python3-venv >/dev/null
        python=$(find_python)
    fi
    if [ -z "$python" ]; then
        echo "Touchstone needs Python 3.11 or newer with its venv${PYTHON:+, which $PYTHON is not}." \
            "Debian: apt install python3 python3-venv" >&2
        exit 1
    fi
    rm -rf .venv
    "$python" -m venv .venv
fi
if ! [ -x .venv/bin/uv ]; then
    .venv/bin/python -m pip install --quiet --require-hashes -r requirements-uv.txt
fi
# Without a home there is no place for a shared cache.
if [ -z "${HOME:-}" ]; then
    export UV_CACHE_DIR=.venv/cache
fi
.venv/bin/uv pip install --quiet --python .venv/bin/python --require-hashes --compile-bytecode -r "$1"
