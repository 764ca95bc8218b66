#!/bin/sh
# A journalctl whose journal is a file of lines: microseconds, priority, unit, identifier, message, with tabs between.
state='@STATE@'
printf '%s\n' "$(printf '%s' "$*" | tr '\n' ' ')" >>"$state/calls/journalctl"

units= lines= output=short since= priority=7 reverse=no ident= kernel=no
while [ $# -gt 0 ]; do
    case $1 in
        -u | --unit) shift; units="$units,$1" ;;
        -u?*) units="$units,${1#-u}" ;;
        --unit=*) units="$units,${1#*=}" ;;
        -n | --lines) shift; lines=$1 ;;
        -n?*) lines=${1#-n} ;;
        --lines=*) lines=${1#*=} ;;
        -o | --output) shift; output=$1 ;;
        -o?*) output=${1#-o} ;;
        --output=*) output=${1#*=} ;;
        -S | --since) shift; since=$1 ;;
        --since=*) since=${1#*=} ;;
        -p | --priority) shift; priority=$1 ;;
        -p?*) priority=${1#-p} ;;
        --priority=*) priority=${1#*=} ;;
        -t | --identifier) shift; ident=$1 ;;
        --identifier=*) ident=${1#*=} ;;
        -r | --reverse) reverse=yes ;;
        -k | --dmesg) kernel=yes ;;
        --disk-usage)
            read -r mib <"$state/journal_mib"
            echo "Archived and active journals take up ${mib}.0M in the file system."
            exit 0
            ;;
        --vacuum-size=*)
            read -r mib <"$state/journal_mib"
            size=${1#*=}
            case $size in *G) keep=$((${size%G} * 1024)) ;; *M) keep=${size%M} ;; *K) keep=$((${size%K} / 1024)) ;; *) keep=$((size / 1048576)) ;; esac
            printf '%s\n' "$size" >>"$state/done/vacuum"
            freed=0
            if [ "$mib" -gt "$keep" ]; then freed=$((mib - keep)); echo "$keep" >"$state/journal_mib"; fi
            echo "Vacuuming done, freed ${freed}.0M of archived journals from /var/log/journal." >&2
            exit 0
            ;;
        --vacuum-time=* | --rotate | --sync | --flush) exit 0 ;;
        -b | -b0 | --boot | -q | --quiet | --no-pager | -a | --all | --no-hostname | --utc | --system | -m | --merge | -x | -e | -xe | --no-full | -l | --full | --output-fields=* | --boot=*) ;;
        -xeu) shift; units="$units,$1" ;;
        -*) echo "journalctl: unrecognized option '$1'" >&2; exit 1 ;;
    esac
    shift
done

case $priority in *..*) priority=${priority#*..} ;; esac
case $priority in emerg) priority=0 ;; alert) priority=1 ;; crit) priority=2 ;; err) priority=3 ;; warning) priority=4 ;; notice) priority=5 ;; info) priority=6 ;; debug) priority=7 ;; esac
now=$(date +%s)
oldest=0
case $since in
    '') ;;
    @*) oldest=${since#@} ;;
    -[0-9]*) since=${since#-} ;;
esac
number=${since%%[!0-9]*}
if [ -n "$number" ]; then
    case ${since#"$number"} in
        s* | ' s'*) oldest=$((now - number)) ;;
        min* | m | ' min'*) oldest=$((now - number * 60)) ;;
        h* | ' h'*) oldest=$((now - number * 3600)) ;;
        d* | ' d'*) oldest=$((now - number * 86400)) ;;
        -*) oldest=$(date -u -d "$since" +%s 2>/dev/null) || oldest=0 ;;
    esac
fi
case $lines in '' | all) lines=100000000 ;; esac
[ $reverse = no ] && turn=cat || turn=tac

UNITS=$units PRIORITY=$priority OLDEST=${oldest%.*} IDENT=$ident KERNEL=$kernel awk -F '\t' '
    BEGIN { n = split(substr(ENVIRON["UNITS"], 2), wanted, ",") }
    $1 / 1000000 < ENVIRON["OLDEST"] + 0 || $2 > ENVIRON["PRIORITY"] + 0 { next }
    ENVIRON["KERNEL"] == "yes" && $4 != "kernel" { next }
    ENVIRON["IDENT"] != "" && $4 != ENVIRON["IDENT"] { next }
    { if (n == 0) { print; next }
      for (i = 1; i <= n; i++) if ($3 == wanted[i] || $3 == wanted[i] ".service") { print; next } }' "$state/journal" |
    tail -n "$lines" | $turn | OUTPUT=$output awk -F '\t' '
    function json(text) { gsub(/\\/, "\\\\", text); gsub(/"/, "\\\"", text); gsub(/[\001-\037]/, " ", text); return "\"" text "\"" }
    ENVIRON["OUTPUT"] == "cat" { print $5; next }
    ENVIRON["OUTPUT"] ~ /^json/ {
        print "{\"__REALTIME_TIMESTAMP\":\"" $1 "\",\"PRIORITY\":\"" $2 "\",\"_TRANSPORT\":\"" ($4 == "kernel" ? "kernel" : "journal") "\",\"_COMM\":" json($4) ",\"_SYSTEMD_UNIT\":" json($3) ",\"SYSLOG_IDENTIFIER\":" json($4) ",\"MESSAGE\":" json($5) "}"; next }
    ENVIRON["OUTPUT"] ~ /^short-unix/ { printf "%d.%06d simulated %s[1]: %s\n", $1 / 1000000, $1 % 1000000, $4, $5; next }
    { time = int($1 / 1000000); "date -u -d @" time " +%Y-%m-%dT%H:%M:%S+0000" | getline stamp; close("date -u -d @" time " +%Y-%m-%dT%H:%M:%S+0000")
      print stamp " simulated " $4 "[1]: " $5 }'
