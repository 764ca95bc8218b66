#!/bin/sh
# An apt-get whose pending updates are lines in @STATE@/updates: package, old version, new version, origin.
state='@STATE@'
printf '%s\n' "$(printf '%s' "$*" | tr '\n' ' ')" >>"$state/calls/apt-get"
simulate=no verb=
while [ $# -gt 0 ]; do
    case $1 in
        -s | --simulate | --just-print | --dry-run | --no-act | --recon) simulate=yes ;;
        -o) shift ;;
        -*) ;;
        *) [ -n "$verb" ] || verb=$1 ;;
    esac
    shift
done
case $verb in
    upgrade | dist-upgrade | full-upgrade)
        if [ $simulate = yes ]; then
            echo 'NOTE: This is only a simulation!'
            while read -r package old new origin; do
                echo "Inst $package [$old] ($new $origin [amd64])"
            done <"$state/updates"
        else
            printf '%s\n' - >>"$state/done/$verb"
            : >"$state/updates"
        fi
        ;;
    clean | autoclean) printf '%s\n' - >>"$state/done/$verb" ;;
    update) ;;
    *) echo "E: Invalid operation $verb" >&2; exit 100 ;;
esac
