#!/bin/sh
# A systemctl whose units are files: Key=Value lines in @STATE@/units/NAME, faults in @STATE@/faults/NAME.
set -f
state='@STATE@'
printf '%s\n' "$(printf '%s' "$*" | tr '\n' ' ')" >>"$state/calls/systemctl"

verb= units= props= value=no plain=no legend=yes filter= kind= json=no quiet=no only_units=no
while [ $# -gt 0 ]; do
    if [ $only_units = yes ]; then units="$units $1"; shift; continue; fi
    case $1 in
        -p | --property) shift; props="$props,$1" ;;
        --property=*) props="$props,${1#*=}" ;;
        -p?*) props="$props,${1#-p}" ;;
        --value) value=yes ;;
        --plain) plain=yes ;;
        --no-legend | --legend=false | --legend=no) legend=no ;;
        --failed) filter=failed ;;
        --state) shift; filter=$1 ;;
        --state=*) filter=${1#*=} ;;
        -t | --type) shift; kind=$1 ;;
        --type=*) kind=${1#*=} ;;
        -o | --output) shift; [ "$1" != json ] || json=yes ;;
        --output=json | -ojson) json=yes ;;
        -q | --quiet) quiet=yes ;;
        --version) echo 'systemd 252 (252.0)'; exit 0 ;;
        -a | --all | -l | --full | --no-pager | --no-ask-password | --system | --now | -n[0-9]* | --lines=[0-9]* | --no-block | --job-mode=* | --output=*) ;;
        --) only_units=yes ;;
        -*) echo "systemctl: unrecognized option '$1'" >&2; exit 1 ;;
        *) if [ -z "$verb" ]; then verb=$1; else units="$units $1"; fi ;;
    esac
    shift
done
[ -n "$verb" ] || verb=list-units

full_name() {
    case $1 in
        *.service | *.socket | *.device | *.mount | *.automount | *.swap | *.target | *.path | *.timer | *.slice | *.scope) printf '%s' "$1" ;;
        *'*'* | *'?'*) printf '%s' "$1" ;;
        *) printf '%s.service' "$1" ;;
    esac
}

# Sets load, active, sub, file_state, description from a unit's file.
load_unit() {
    load=not-found active=inactive sub=dead file_state= description=$1
    [ -f "$state/units/$1" ] || return 1
    while IFS= read -r line; do
        case $line in
            LoadState=*) load=${line#*=} ;;
            ActiveState=*) active=${line#*=} ;;
            SubState=*) sub=${line#*=} ;;
            UnitFileState=*) file_state=${line#*=} ;;
            Description=*) description=${line#*=} ;;
        esac
    done <"$state/units/$1"
}

in_list() { case ",$2," in *,"$1",*) return 0 ;; esac; return 1; }

# All units whose name is like $1 and that pass --state and --type.
matching() {
    ls "$state/units" | while IFS= read -r name; do
        # shellcheck disable=SC2254 # The argument is a pattern.
        case $name in $1) ;; *) continue ;; esac
        if [ -n "$kind" ]; then in_list "${name##*.}" "$kind" || continue; fi
        load_unit "$name"
        if [ -n "$filter" ]; then
            in_list "$active" "$filter" || in_list "$sub" "$filter" || in_list "$load" "$filter" || continue
        fi
        printf '%s\n' "$name"
    done
}

# change NAME KEY=VALUE...: what is not there yet is added.
change() {
    name=$1; shift
    for pair; do
        PAIR=$pair awk 'BEGIN { pair = ENVIRON["PAIR"]; key = substr(pair, 1, index(pair, "=")) }
            index($0, key) == 1 { print pair; done = 1; next } { print }
            END { if (!done) print pair }' "$state/units/$name" >"$state/tmp.$$" && mv "$state/tmp.$$" "$state/units/$name"
    done
}

now_line() { LC_ALL=C date -u '+%a %Y-%m-%d %H:%M:%S UTC'; }
now_monotonic() { read -r up _ </proc/uptime && echo "${up%.*}000000"; }

becomes_active() {
    case $1 in *.timer | *.socket | *.path) sub=waiting ;; *.mount) sub=mounted ;; *.target) sub=active ;; *) sub=running ;; esac
    change "$1" ActiveState=active SubState=$sub Result=success ExecMainStatus=0 ExecMainCode=0 NRestarts=0 "MainPID=$$" \
        "InvocationID=$(printf '%032x' "$$")" "ActiveEnterTimestamp=$(now_line)" "ActiveEnterTimestampMonotonic=$(now_monotonic)" \
        "StateChangeTimestamp=$(now_line)"
}

becomes_failed() {
    change "$1" ActiveState=failed SubState=failed "Result=$2" ExecMainStatus=1 ExecMainCode=1 MainPID=0 \
        "StateChangeTimestamp=$(now_line)" "InactiveEnterTimestamp=$(now_line)"
}

becomes_inactive() {
    change "$1" ActiveState=inactive SubState=dead Result=success MainPID=0 "StateChangeTimestamp=$(now_line)" \
        "InactiveEnterTimestamp=$(now_line)"
}

# Starts a unit as its fault has it: it heals, fails again, hangs or is refused.
start_one() {
    fault=heals
    [ ! -f "$state/faults/$1" ] || IFS= read -r fault <"$state/faults/$1"
    case $fault in
        heals) becomes_active "$1" ;;
        fails*)
            becomes_failed "$1" "${fault#fails }"
            echo "Job for $1 failed because the control process exited with error code." >&2
            echo "See \"systemctl status $1\" and \"journalctl -xeu $1\" for details." >&2
            return 1
            ;;
        slow) sleep 2; becomes_active "$1" ;;
        flaps) becomes_active "$1"; change "$1" NRestarts=3 ;;
        hangs) change "$1" ActiveState=activating SubState=start; exec sleep 3600 ;;
        refuses) echo "Failed to $verb $1: Access denied" >&2; return 4 ;;
    esac
}

act_on() {
    unit=$(full_name "$1")
    printf '%s\n' "$unit" >>"$state/done/$verb"
    if ! load_unit "$unit"; then
        if [ "$verb" = reset-failed ]; then echo "Failed to reset failed state of unit $unit: Unit $unit not loaded." >&2; return 1; fi
        echo "Failed to $verb $unit: Unit $unit not found." >&2
        return 5
    fi
    if [ "$load" = masked ] && [ "$verb" != stop ]; then echo "Failed to $verb $unit: Unit $unit is masked." >&2; return 1; fi
    case $verb in
        restart) start_one "$unit" ;;
        start) [ "$active" = active ] || start_one "$unit" ;;
        try-restart) [ "$active" != active ] || start_one "$unit" ;;
        stop) becomes_inactive "$unit" ;;
        reload)
            if [ "$active" != active ]; then echo "$unit is not active, cannot reload." >&2; return 1; fi
            ;;
        reload-or-restart) [ "$active" = active ] || start_one "$unit" ;;
        reset-failed) [ "$active" != failed ] || becomes_inactive "$unit"; change "$unit" NRestarts=0 ;;
        enable) change "$unit" UnitFileState=enabled ;;
        disable) change "$unit" UnitFileState=disabled ;;
        mask) change "$unit" LoadState=masked UnitFileState=masked ;;
        unmask) change "$unit" LoadState=loaded UnitFileState=disabled ;;
    esac
}

show_one() {
    if [ -f "$state/units/$1" ]; then cat "$state/units/$1"; else
        printf 'Id=%s\nNames=%s\nLoadState=not-found\nActiveState=inactive\nSubState=dead\nResult=success\nUnitFileState=\nNRestarts=0\nMainPID=0\nDescription=%s\n' "$1" "$1" "$1"
    fi | PROPS="$props," VALUE=$value awk '{ key = substr($0, 1, index($0, "=") - 1)
        if (ENVIRON["PROPS"] != "," && index(ENVIRON["PROPS"], "," key ",") == 0) next
        print (ENVIRON["VALUE"] == "yes" ? substr($0, index($0, "=") + 1) : $0) }'
}

show_manager() {
    failed=$(filter=failed kind=; matching '*' | wc -l | tr -d ' ')
    [ "$failed" = 0 ] && running=running || running=degraded
    printf 'Version=252\nVirtualization=kvm\nNFailedUnits=%s\nSystemState=%s\n' "$failed" "$running" |
        PROPS="$props," VALUE=$value awk '{ key = substr($0, 1, index($0, "=") - 1)
            if (ENVIRON["PROPS"] != "," && index(ENVIRON["PROPS"], "," key ",") == 0) next
            print (ENVIRON["VALUE"] == "yes" ? substr($0, index($0, "=") + 1) : $0) }'
}

list() {
    [ -n "$units" ] || units='*'
    [ $legend = no ] || [ $json = yes ] || echo '  UNIT LOAD ACTIVE SUB DESCRIPTION'
    for pattern in $units; do matching "$(full_name "$pattern")"; done | {
        count=0
        [ $json = no ] || printf '['
        while IFS= read -r name; do
            load_unit "$name"
            count=$((count + 1))
            if [ $json = yes ]; then
                [ $count = 1 ] || printf ','
                printf '{"unit":"%s","load":"%s","active":"%s","sub":"%s","description":"%s"}' \
                    "$(printf '%s' "$name" | sed 's/\\/\\\\/g')" "$load" "$active" "$sub" "$description"
                continue
            fi
            mark='  '
            if [ $plain = yes ]; then mark=; elif [ "$active" = failed ]; then mark='* '; fi
            printf '%s%-20s %s %-8s %-8s %s\n' "$mark" "$name" "$load" "$active" "$sub" "$description"
        done
        [ $json = no ] || printf ']\n'
        [ $legend = no ] || [ $json = yes ] || printf '\n%s loaded units listed.\n' "$count"
    }
}

status=0
case $verb in
    show)
        if [ -z "$units" ]; then show_manager; exit 0; fi
        first=yes
        for unit in $units; do
            case $unit in
                *'*'* | *'?'*) names=$(matching "$unit") ;;
                *) names=$(full_name "$unit") ;;
            esac
            for name in $names; do
                [ $first = yes ] || echo
                first=no
                show_one "$name"
            done
        done
        ;;
    list-units) list ;;
    list-unit-files)
        ls "$state/units" | while IFS= read -r name; do load_unit "$name"; printf '%s %s enabled\n' "$name" "$file_state"; done
        ;;
    list-timers | list-sockets) kind=${verb#list-}; kind=${kind%s}; legend=no; list ;;
    list-jobs) echo 'No jobs running.' ;;
    is-active | is-failed | is-enabled)
        good=no
        for unit in $units; do
            load_unit "$(full_name "$unit")"
            case $verb in
                is-active) said=$active; [ "$active" != active ] || good=yes ;;
                is-failed) said=$active; [ "$active" != failed ] || good=yes ;;
                is-enabled) said=$file_state; [ "$file_state" != enabled ] || good=yes ;;
            esac
            [ $quiet = yes ] || printf '%s\n' "$said"
        done
        if [ $good = no ]; then [ "$verb" = is-active ] && status=3 || status=1; fi
        ;;
    is-system-running)
        props=,SystemState value=yes
        said=$(show_manager)
        [ $quiet = yes ] || echo "$said"
        [ "$said" = running ] || status=1
        ;;
    status)
        for unit in $units; do
            unit=$(full_name "$unit")
            load_unit "$unit" || { echo "Unit $unit could not be found." >&2; status=4; continue; }
            printf '%s - %s\n     Loaded: %s (/lib/systemd/system/%s; %s)\n     Active: %s (%s)\n' "$unit" "$description" "$load" "$unit" "$file_state" "$active" "$sub"
            [ "$active" = active ] || status=3
        done
        ;;
    cat) for unit in $units; do printf '# /lib/systemd/system/%s\n[Unit]\n' "$(full_name "$unit")"; done ;;
    daemon-reload | daemon-reexec) printf '%s\n' - >>"$state/done/$verb" ;;
    restart | start | stop | reload | try-restart | reload-or-restart | reset-failed | enable | disable | mask | unmask)
        if [ -z "$units" ] && [ "$verb" = reset-failed ]; then filter=failed units=$(matching '*'); fi
        for unit in $units; do act_on "$unit" || status=$?; done
        ;;
    *) echo "Unknown command verb $verb." >&2; status=1 ;;
esac
exit $status
