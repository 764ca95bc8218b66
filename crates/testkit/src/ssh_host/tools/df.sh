#!/bin/sh
# A df whose file systems are lines: mount point, source, type, KiB, KiB used, inodes, inodes used, with tabs between.
state='@STATE@'
printf '%s\n' "$(printf '%s' "$*" | tr '\n' ' ')" >>"$state/calls/df"

unit=1024 inodes=no type=no columns= skip= only= paths=
while [ $# -gt 0 ]; do
    case $1 in
        -B1 | --block-size=1) unit=1 ;;
        -B) shift; [ "$1" != 1 ] || unit=1 ;;
        -i | --inodes) inodes=yes ;;
        -T | --print-type) type=yes ;;
        --output=*) columns=${1#*=} ;;
        -x | --exclude-type) shift; skip="$skip,$1" ;;
        -x?*) skip="$skip,${1#-x}" ;;
        --exclude-type=*) skip="$skip,${1#*=}" ;;
        -t | --type) shift; only="$only,$1" ;;
        --type=*) only="$only,${1#*=}" ;;
        --) ;;
        -[PklaiT]*)
            case $1 in *i*) inodes=yes ;; esac
            case $1 in *T*) type=yes ;; esac
            ;;
        --portability | --local | --all | --sync | --no-sync) ;;
        -*) echo "df: unrecognized option '$1'" >&2; exit 1 ;;
        *) paths="$paths
$1" ;;
    esac
    shift
done
[ ! -f "$state/df_hangs" ] || exec sleep 3600

UNIT=$unit INODES=$inodes TYPE=$type COLUMNS_=$columns SKIP="$skip," ONLY=$only PATHS=$paths awk -F '\t' '
    function percent(used, all) { return all == 0 ? "-" : int((used * 100 + all - 1) / all) "%" }
    function field(name) {
        if (name == "source") return source[m]
        if (name == "fstype") return fstype[m]
        if (name == "target" || name == "file") return m
        if (name == "size") return size[m] * 1024 / ENVIRON["UNIT"]
        if (name == "used") return used[m] * 1024 / ENVIRON["UNIT"]
        if (name == "avail") return (size[m] - used[m]) * 1024 / ENVIRON["UNIT"]
        if (name == "pcent") return percent(used[m], size[m])
        if (name == "itotal") return nodes[m]
        if (name == "iused") return inused[m]
        if (name == "iavail") return nodes[m] - inused[m]
        if (name == "ipcent") return percent(inused[m], nodes[m])
        return "-"
    }
    { order[++count] = $1; source[$1] = $2; fstype[$1] = $3; size[$1] = $4; used[$1] = $5; nodes[$1] = $6; inused[$1] = $7 }
    function row(   i, n, name, text) {
        if (ENVIRON["COLUMNS_"] != "") {
            n = split(ENVIRON["COLUMNS_"], name, ",")
            for (i = 1; i <= n; i++) text = text (i > 1 ? " " : "") field(name[i])
            print text
            return
        }
        text = source[m] (ENVIRON["TYPE"] == "yes" ? " " fstype[m] : "")
        if (ENVIRON["INODES"] == "yes") print text, nodes[m], inused[m], nodes[m] - inused[m], percent(inused[m], nodes[m]), m
        else printf "%s %.0f %.0f %.0f %s %s\n", text, field("size"), field("used"), field("avail"), field("pcent"), m
    }
    END {
        OFMT = "%.0f"; CONVFMT = "%.0f"
        if (ENVIRON["COLUMNS_"] != "") print "Columns as asked for"
        else if (ENVIRON["INODES"] == "yes") print "Filesystem" (ENVIRON["TYPE"] == "yes" ? " Type" : "") " Inodes IUsed IFree IUse% Mounted on"
        else print "Filesystem" (ENVIRON["TYPE"] == "yes" ? " Type" : "") (ENVIRON["UNIT"] == 1 ? " 1-blocks" : " 1024-blocks") " Used Available Capacity Mounted on"
        asked = split(ENVIRON["PATHS"], path, "\n")
        if (asked > 1) {
            for (p = 2; p <= asked; p++) {
                m = "/"
                for (i = 1; i <= count; i++) if (index(path[p] "/", order[i] "/") == 1 && length(order[i]) > length(m)) m = order[i]
                row()
            }
            exit
        }
        for (i = 1; i <= count; i++) {
            m = order[i]
            if (index(ENVIRON["SKIP"], "," fstype[m] ",") || (ENVIRON["ONLY"] != "" && !index(ENVIRON["ONLY"] ",", "," fstype[m] ","))) continue
            row()
        }
    }' "$state/disks"
