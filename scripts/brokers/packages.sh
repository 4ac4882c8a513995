# Installs Debian packages when a program is missing. Sourced by scripts/brokers.sh.

as_root() {
    if (($(id -u) == 0)); then "$@"; else sudo "$@"; fi
}

# need PROGRAM PACKAGE...: installs the packages unless the program (a name or a path) is there.
need() {
    local program="$1"
    shift
    if command -v "$program" >/dev/null 2>&1; then return 0; fi
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "error: '$program' is missing and there is no apt-get here. Install it yourself, or use Docker: docker compose up -d --wait" >&2
        return 1
    fi
    if (($(id -u) != 0)) && ! command -v sudo >/dev/null 2>&1; then
        echo "error: '$program' is missing. As root: apt-get install $*" >&2
        return 1
    fi
    echo "        installing $* ..."
    (
        flock 9
        install_packages "$@"
    ) 9>"$STATE/apt.lock"
    command -v "$program" >/dev/null 2>&1
}

install_packages() {
    local log="$STATE/apt.log" guard=/usr/sbin/policy-rc.d placed=0 answer=0
    # Debian starts a service as soon as it is installed; a policy of 101 says "not now".
    if [[ ! -e "$guard" ]]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$guard" >/dev/null
        as_root chmod +x "$guard"
        placed=1
    fi
    apt_install "$@" >"$log" 2>&1 || { as_root apt-get update >>"$log" 2>&1 && apt_install "$@" >>"$log" 2>&1; } || answer=$?
    if ((placed)); then as_root rm -f "$guard"; fi
    if ((answer)); then
        echo "error: apt-get install $* failed; the end of $log:" >&2
        tail -n 10 "$log" | sed 's/^/        | /' >&2
    fi
    return $answer
}

apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
        -o DPkg::Lock::Timeout=300 "$@"
}
