# shellcheck shell=bash disable=SC2016,SC2154
# Disks. They are filled without the host's help where that matters: the pages of a tmpfs count against whoever
# wrote them, and a full disk must not be an exhausted memory too. What `in_host` runs counts against this machine.

# grow MOUNT PERCENT FILE: makes FILE as large as it takes.
grow() {
  in_sh 'mkdir -p "${3%/*}"
    if [ "$2" -ge 100 ]; then dd if=/dev/zero of="$3" bs=64k 2>/dev/null || exit 0; fi
    set -- "$2" "$3" $(df --output=size,used "$1" | tail -n1)
    kib=$(($3 * $1 / 100 - $4))
    [ "$kib" -le 0 ] || fallocate -l "${kib}K" "$2"' "$@"
}
# full COLUMN MOUNT: at nine tenths or more?
full() { (($(in_host df --output="$1" "$2" | tail -n1 | tr -dc 0-9) >= 90)); }

kind disk inside '[PCT=97]' 'a log fills the root file system' 'df / at PCT; /var/log/labapp/trace.log is the largest file'
disk.break() { grow / "${1:-97}" /var/log/labapp/trace.log; }
disk.mend() { in_host rm -f /var/log/labapp/trace.log; }
disk.holds() { in_host test -s /var/log/labapp/trace.log && full pcent /; }

kind disk-held inside '[PCT=96]' 'a deleted file is held open by exporter.service' \
  'df / at PCT and du finds nothing; /proc/PID/fd says (deleted)'
disk-held.break() {
  grow / "${1:-96}" /var/tmp/.export
  spawn exporter perl -e 'open my $f, "<", "/var/tmp/.export" or die $!; open my $g, ">", "/run/exporter.holds"; sleep'
  in_sh 'until [ -e /run/exporter.holds ]; do sleep 0.1; done; rm /var/tmp/.export /run/exporter.holds'
}
disk-held.mend() { unspawn exporter; in_host rm -f /var/tmp/.export; }
disk-held.holds() { spawned exporter && full pcent /; }

kind inodes inside '[PCT=98]' 'a queue of empty files uses up the inodes' 'df -i / at PCT while df / is low'
inodes.break() {
  in_sh 'mkdir -p /var/spool/labapp/queue; cd /var/spool/labapp/queue
    set -- "$1" $(df --output=itotal,iused / | tail -n1)
    perl -e "for (1 .. shift) { open F, q(>), qq(msg\$_) or exit 0 }" $(($2 * $1 / 100 - $3))' "${1:-98}"
}
inodes.mend() { in_host rm -rf /var/spool/labapp/queue; }
inodes.holds() { full ipcent /; }

kind data inside '[PCT=100]' '/srv/data is full' 'df /srv/data at PCT; the next backup fails'
data.break() { grow /srv/data "${1:-100}" /srv/data/exports/dump.sql; }
data.mend() { in_host rm -f /srv/data/exports/dump.sql; backup_again; }
data.holds() { full pcent /srv/data; }

kind data-ro inside '' '/srv/data is mounted read-only' 'ro in /proc/mounts; the next backup fails'
data-ro.break() { in_host mount -o remount,ro /srv/data; }
data-ro.mend() { in_host mount -o remount,rw /srv/data; backup_again; }
data-ro.holds() { in_sh 'findmnt -no OPTIONS /srv/data | grep -qw ro'; }
