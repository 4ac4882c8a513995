#!/usr/bin/env bash
# Prints the path of a Python >= 3.10 that really runs.
# PYTHON=/path/to/python overrides the search.
set -euo pipefail

MINIMUM="3.10"

# Version managers leave shims that exist but refuse to run, so a candidate counts only when it answers,
# and what is printed is the interpreter itself, not the shim.
runs() {
    "$1" -c 'import sys; sys.exit(1) if sys.version_info < (3, 10) else print(sys.executable)' 2>/dev/null
}

if [[ -n "${PYTHON:-}" ]]; then
    if ! runs "$PYTHON"; then
        echo "error: PYTHON=$PYTHON does not run or is older than $MINIMUM." >&2
        echo "       Point PYTHON at a Python $MINIMUM or newer, or unset it to search PATH." >&2
        exit 1
    fi
    exit 0
fi

candidates=(python3.13 python3.12 python3.11 python3.10 python3 python)
for name in "${candidates[@]}"; do
    if command -v "$name" >/dev/null 2>&1 && runs "$name"; then
        exit 0
    fi
done

echo "error: no Python $MINIMUM or newer found. Tried, in this order: ${candidates[*]}." >&2
echo "       Install one (Debian: apt-get install python3 python3-venv) or name it: PYTHON=/path/to/python make setup" >&2
exit 1
