#!/bin/sh
# Sees to a Chromium for the tests of the web page: installs Debian's as root, else says what is missing.
set -eu

for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null; then
        exit 0
    fi
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "set-up: installing Chromium for the web page's tests"
    export DEBIAN_FRONTEND=noninteractive
    if apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; then
        exit 0
    fi
fi
echo "set-up: no Chromium here, so the web page's tests are skipped; on Debian: apt install chromium" >&2
