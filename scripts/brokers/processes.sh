# Servers that outlive `make`, and are stopped by their recorded pid and by nothing else. Sourced by scripts/brokers.sh.

# A pid alone may belong to somebody else by now; with its start time it cannot.
started_at() {
    if [[ -r "/proc/$1/stat" ]]; then
        sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20
    else
        ps -o lstart= -p "$1" 2>/dev/null | tr -s ' ' '_'
    fi
}

server_pid() { head -n 1 "$STATE/$1/pid" 2>/dev/null; }

is_running() {
    local pid recorded
    pid="$(server_pid "$1")" || return 1
    [[ -n "$pid" ]] || return 1
    recorded="$(sed -n 2p "$STATE/$1/pid")"
    kill -0 "$pid" 2>/dev/null && [[ "$(started_at "$pid")" == "$recorded" ]]
}

# launch NAME COMMAND...: its own session, so neither Ctrl-C nor the end of make reaches it.
launch() {
    local broker="$1" detach=()
    shift
    if command -v setsid >/dev/null 2>&1; then detach=(setsid); fi
    ${detach[@]+"${detach[@]}"} nohup "$@" >>"$STATE/$broker/log" 2>&1 </dev/null &
    local pid=$!
    printf '%s\n%s\n' "$pid" "$(started_at "$pid")" >"$STATE/$broker/pid"
}

stop_server() {
    local broker="$1" pid tries
    if ! is_running "$broker"; then
        say "$broker" "not started from this checkout, nothing to stop"
        rm -f "$STATE/$broker/pid"
        return 0
    fi
    pid="$(server_pid "$broker")"
    kill -TERM "$pid"
    for ((tries = 0; tries < 150; tries++)); do
        if ! is_running "$broker"; then break; fi
        sleep 0.1
    done
    if is_running "$broker"; then
        say "$broker" "did not stop within 15 s, killing it"
        kill -KILL -- "-$pid" 2>/dev/null || kill -KILL "$pid"
    fi
    if declare -F "after_stop_$broker" >/dev/null; then "after_stop_$broker" "$pid"; fi
    rm -f "$STATE/$broker/pid"
    say "$broker" "stopped"
}
