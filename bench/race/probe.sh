# What every tool of the race runs on every host: a look that changes nothing, in plain POSIX sh.
# It holds no single quotes, so that each tool can carry it in them.
LC_ALL=C; export LC_ALL
PATH=$PATH:/usr/sbin:/sbin; export PATH
section() { echo "== $1"; }
have() { command -v "$1" >/dev/null 2>&1; }

section host
uname -srm
cat /proc/sys/kernel/hostname
if [ -r /etc/os-release ]; then grep -E "^(ID|VERSION_ID)=" /etc/os-release; fi
section uptime
cat /proc/uptime
section load
cat /proc/loadavg
section memory
grep -E "^(MemTotal|MemAvailable|SwapTotal|SwapFree|Dirty|Slab):" /proc/meminfo
section pressure
for kind in cpu io memory; do
    [ -r "/proc/pressure/$kind" ] && while read -r line; do echo "$kind $line"; done <"/proc/pressure/$kind"
done
section disk
df -P -x tmpfs -x devtmpfs 2>/dev/null || df -P
section inodes
df -iP -x tmpfs -x devtmpfs 2>/dev/null || df -iP
section readonly
while read -r dev dir type opts rest; do
    case ",$opts," in *,ro,*) case $type in ext?|xfs|btrfs) echo "$dev $dir" ;; esac ;; esac
done </proc/mounts
section processes
ps -eo stat= | cut -c1 | sort | uniq -c
section units
if have systemctl; then systemctl --failed --no-legend --plain --no-pager 2>/dev/null || true; fi
section listening
if have ss; then ss -ltn 2>/dev/null | tail -n +2 | head -n 20 || true; fi
section network
grep -vE "^ *(lo|face|Inter)" /proc/net/dev || true
section clock
date -u +%s
section kernel
{ dmesg 2>/dev/null || true; } | tail -n 20
section end
