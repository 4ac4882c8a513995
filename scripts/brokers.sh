#!/usr/bin/env bash
# Starts, stops and reports the message brokers that the tests talk to, natively and without root services.
#   scripts/brokers.sh up [nats redis rabbit kafka]      scripts/brokers.sh down      scripts/brokers.sh status
#   scripts/brokers.sh clean      stops them and deletes what they stored
# Where: ANYSTREAM_NATS_URL, ANYSTREAM_REDIS_URL, ANYSTREAM_RABBIT_URL, ANYSTREAM_KAFKA_URL (default: localhost).
# State (data, logs, pid files) is in .brokers/ of this checkout; Kafka's jars in ${XDG_CACHE_HOME:-~/.cache}/anystream.
set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
STATE="$ROOT/.brokers"
CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/anystream"
ALL_BROKERS=(nats redis rabbit kafka)
START_TIMEOUT="${ANYSTREAM_BROKER_START_TIMEOUT:-120}"
export PATH="$PATH:/usr/sbin:/sbin"

# shellcheck source=scripts/brokers/processes.sh
source "$ROOT/scripts/brokers/processes.sh"
# shellcheck source=scripts/brokers/packages.sh
source "$ROOT/scripts/brokers/packages.sh"
for broker in "${ALL_BROKERS[@]}"; do
    # shellcheck source=/dev/null
    source "$ROOT/scripts/brokers/$broker.sh"
done

if [[ -x "$ROOT/.venv/bin/python" ]] && "$ROOT/.venv/bin/python" -c '' 2>/dev/null; then
    PYTHON_FOUND="$ROOT/.venv/bin/python"
else
    PYTHON_FOUND="$(bash "$ROOT/scripts/find_python.sh")"
fi

probe() { "$PYTHON_FOUND" "$ROOT/tests/broker_probes.py" probe "$1"; }
say() { printf '%-7s %s\n' "$1" "$2"; }

# Sets URL, HOST and PORT, which the broker's own start function reads.
locate() { read -r URL HOST PORT < <("$PYTHON_FOUND" "$ROOT/tests/broker_probes.py" address "$1"); }

explain_failure() {
    local broker="$1" reason="$2" log="$STATE/$1/log"
    {
        say "$broker" "FAILED: $reason"
        if [[ -s "$log" ]]; then
            echo "        the end of $log:"
            tail -n 15 "$log" | sed 's/^/        | /'
        fi
        echo "        What to do: see the lines above; is another program on port $PORT? Then point $(url_variable "$broker") elsewhere,"
        echo "        or start over with 'scripts/brokers.sh clean && make brokers', or use Docker: docker compose up -d --wait $broker"
    } >&2
}

url_variable() { echo "ANYSTREAM_$(echo "$1" | tr '[:lower:]' '[:upper:]')_URL"; }

# Runs in a subshell of its own per broker, so that all four start side by side.
bring_up() {
    local broker="$1" began=$SECONDS why
    locate "$broker"
    if probe "$broker" 2>/dev/null; then
        say "$broker" "already up at $URL"
        return 0
    fi
    case "$HOST" in
        localhost | 127.0.0.1 | ::1) ;;
        *) explain_failure "$broker" "no answer at $URL, and only brokers on this machine can be started here"; return 1 ;;
    esac
    mkdir -p "$STATE/$broker/data"
    "prepare_$broker" || { explain_failure "$broker" "its programs could not be installed"; return 1; }
    say "$broker" "starting ..."
    is_running "$broker" || "start_$broker"
    until why="$(probe "$broker" 2>&1)"; do
        if ! is_running "$broker"; then
            explain_failure "$broker" "the server ended while starting"
            return 1
        fi
        if ((SECONDS - began > START_TIMEOUT)); then
            explain_failure "$broker" "no answer within ${START_TIMEOUT}s: $why"
            return 1
        fi
        sleep 0.2
    done
    say "$broker" "up at $URL after $((SECONDS - began)) s"
}

up() {
    local began=$SECONDS failed=0 broker pids=()
    mkdir -p "$STATE"
    for broker in "$@"; do
        bring_up "$broker" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do
        wait "$pid" || failed=1
    done
    if ((failed)); then
        echo "brokers: not all of them are up ($((SECONDS - began)) s)" >&2
        return 1
    fi
    echo "brokers: $* up in $((SECONDS - began)) s; 'make brokers-down' stops what this started"
}

down() {
    local broker pids=()
    for broker in "$@"; do
        stop_server "$broker" &
        pids+=($!)
    done
    wait "${pids[@]}"
}

status() {
    local broker why answer=0
    for broker in "$@"; do
        locate "$broker"
        if why="$(probe "$broker" 2>&1)"; then
            say "$broker" "up at $URL$(is_running "$broker" && echo " (pid $(server_pid "$broker"))")"
        else
            say "$broker" "down: $why"
            answer=1
        fi
    done
    return $answer
}

command="${1:-up}"
shift || true
for broker in "$@"; do
    if [[ " ${ALL_BROKERS[*]} " != *" $broker "* ]]; then
        echo "error: unknown broker '$broker'; there are: ${ALL_BROKERS[*]}" >&2
        exit 2
    fi
done
if (($#)); then chosen=("$@"); else chosen=("${ALL_BROKERS[@]}"); fi
case "$command" in
    up | down | status) "$command" "${chosen[@]}" ;;
    clean) down "${chosen[@]}"; for broker in "${chosen[@]}"; do rm -rf "${STATE:?}/$broker"; done ;;
    *) echo "usage: scripts/brokers.sh up|down|status|clean [${ALL_BROKERS[*]}]" >&2; exit 2 ;;
esac
