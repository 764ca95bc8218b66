#!/bin/sh
# A timedatectl that says what @STATE@/clock_synchronized says: yes or no.
state='@STATE@'
printf '%s\n' "$(printf '%s' "$*" | tr '\n' ' ')" >>"$state/calls/timedatectl"
read -r synchronized <"$state/clock_synchronized"
verb= props= value=no
while [ $# -gt 0 ]; do
    case $1 in
        -p | --property) shift; props="$props,$1" ;;
        --property=*) props="$props,${1#*=}" ;;
        --value) value=yes ;;
        -*) ;;
        *) verb=$1 ;;
    esac
    shift
done
case $verb in
    show)
        printf 'Timezone=Etc/UTC\nLocalRTC=no\nCanNTP=yes\nNTP=yes\nNTPSynchronized=%s\n' "$synchronized" |
            PROPS="$props," VALUE=$value awk '{ key = substr($0, 1, index($0, "=") - 1)
                if (ENVIRON["PROPS"] != "," && index(ENVIRON["PROPS"], "," key ",") == 0) next
                print (ENVIRON["VALUE"] == "yes" ? substr($0, index($0, "=") + 1) : $0) }'
        ;;
    *) printf '               Time zone: Etc/UTC (UTC, +0000)\nSystem clock synchronized: %s\n              NTP service: active\n' "$synchronized" ;;
esac
