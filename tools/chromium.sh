#!/bin/sh
# See to it that a Chromium is there for the browser tests.
set -eu
for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null; then exit 0; fi
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing Chromium for the browser tests"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium >/dev/null
else
    echo "The browser tests need Chromium. Debian: apt install chromium; macOS: brew install chromium" >&2
    exit 1
fi
