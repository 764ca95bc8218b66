#!/bin/sh
# A systemd-run for transient services: the command runs detached, or with --wait in the foreground, with the environment
# it is given and no other. What a service may not do is not kept from it here.
state='@STATE@'
printf '%s\n' "$(printf '%s' "$*" | tr '\n' ' ')" >>"$state/calls/systemd-run"
unit=run-$$.service count=0
while [ $# -gt 0 ]; do
    case $1 in
        --wait) waits=yes ;;
        --unit=*) unit=${1#*=} ;;
        -u | --unit) shift; unit=$1 ;;
        -p | --property | --description | --slice | --on-active) shift ;;
        -E | --setenv) shift; environment="${environment-} $1"; count=$((count + 1)) ;;
        --) shift; break ;;
        -*) ;;
        *) break ;;
    esac
    shift
done
case $unit in *.service) ;; *) unit=$unit.service ;; esac
if ! mkdir "$state/transient/$unit" 2>/dev/null; then
    echo "Failed to start transient service unit: Unit $unit was already loaded or has a fragment file." >&2
    exit 1
fi
if [ -n "${waits-}" ]; then
    # As the real one reads its words: `$$` is one `$`.
    for word; do
        shift
        set -- "$@" "$(printf '%s' "$word" | sed 's/\$\$/$/g')"
    done
    # shellcheck disable=SC2086 # The settings of tests hold no blanks.
    env -i LANG=C.UTF-8 ${environment-} "$@" </dev/null
    code=$?
    rmdir "$state/transient/$unit"
    exit "$code"
fi
# shellcheck disable=SC2086 # The settings of tests hold no blanks.
setsid sh -c 'place=$1; shift; "$@"; rmdir "$place"' transient "$state/transient/$unit" \
    env -i LANG=C.UTF-8 ${environment-} "$@" </dev/null >/dev/null 2>&1 &
