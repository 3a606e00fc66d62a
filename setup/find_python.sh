#!/bin/sh
# Prints a Python to make the environment with: the one named, else the environment's own, else the
# first of the usual names. Each is run, not only looked up: version managers put names on PATH that
# fail when they are run.
[ $# -gt 0 ] || set -- .venv/bin/python python3.11 python3.12 python3 python
found=""
for python in "$@"; do
    version=$("$python" -I -S -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    case $version in
    3.11 | 3.12)
        echo "$python"
        exit 0
        ;;
    esac
    found="$found $python is Python $version."
done
echo "set-up: stopped: Medley needs Python 3.11 or 3.12.${found:- None was found.}" \
    "Install one, or name it: make PYTHON=/path/to/python3.11" >&2
exit 1
