# processes.sh: is the process of an engine there, and has it ended? Sourced by script/engine.
# shellcheck shell=bash

# The pid in DIR/pid, if that process lives and was started for DIR (a pid may be used again).
running_pid() {
    local pid
    pid=$(cat "$1/pid" 2>/dev/null) || return 1
    [[ $pid =~ ^[0-9]+$ ]] || return 1
    tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF -- "$1" || return 1
    echo "$pid"
}

# A process that ended but was not yet waited for has no command line.
is_alive() {
    [[ -n $(tr -d '\0' 2>/dev/null <"/proc/$1/cmdline" | head -c 1) ]]
}

any_alive() {
    local pid
    for pid in "$@"; do
        if is_alive "$pid"; then
            return 0
        fi
    done
    return 1
}

wait_for_end() {
    local seconds=$1 tries
    shift
    for ((tries = seconds * 10; tries > 0; tries--)); do
        any_alive "$@" || return 0
        sleep 0.1
    done
    return 1
}
