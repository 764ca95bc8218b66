# The probe: looks at one host in one round trip and changes nothing. POSIX sh, nothing else is needed on the host.
# Arguments: NONCE WINDOW_S [CERTIFICATE...]. Sections stand between lines "@NONCE begin NAME" and "@NONCE done STATUS";
# "@NONCE missing NAME WHY" says that a section cannot be had here. Lines of a section begin with something of ours, a
# path, a digit, or come from a format without raw line ends, so that nothing on the host can write a line of ours.
LC_ALL=C TZ=UTC0 SYSTEMD_COLORS=0 SYSTEMD_PAGER=
PATH=/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin:$PATH
export LC_ALL TZ SYSTEMD_COLORS SYSTEMD_PAGER PATH
unset GREP_OPTIONS GREP_COLOR GREP_COLORS POSIXLY_CORRECT BLOCK_SIZE DF_BLOCK_SIZE CDPATH
exec </dev/null 2>/dev/null
set +e

nonce=$1 window=$2
shift 2
nl='
'

# mksh has no printf of its own, and the echo of dash would turn a backslash and an n into a line end.
case ${KSH_VERSION-} in
*MIRBSD* | *LEGACY*) say() { print -r -- "$1"; } ;;
*) say() { printf '%s\n' "$1"; } ;;
esac
# Not "$*": what it joins with depends on IFS, and that is a line end at times.
mark() { say "$nl@$nonce $1${2:+ $2}${3:+ $3}"; }
have() { command -v "$1" >/dev/null; }
if have timeout; then
    limit() { timeout "$@"; }
else
    limit() { shift && "$@"; }
fi
count() { n=$#; }

mark probe 1

# All that the kernel and /etc say in files, by one process; -H puts the path before every line.
other='^(intr|softirq|ctxt|page|swap|cpu[0-9]+) |^(nr_|pg|workingset_|numa_|thp_|compact_|balloon_|swap_ra|swpin|swpout|drop_|kswapd|unevictable_|allocstall|zone_|pageoutrun|slabs_|ksm_|cow_|zswp|direct_map|htlb_|vma_lock)|^(Active|Inactive|Huge|DirectMap|Vmalloc|Anon|Shmem|File|Kernel|Page|NFS|Bounce|Writeback|Commit|Hardware|Percpu|Cma|K?Reclaim|SUnreclaim|Mapped|Mlocked|Unevict|SecPage|Z[sS]wap|Unaccepted|Balloon)'
pseudo='cgroup2?|proc|sysfs|tmpfs|devtmpfs|devpts|mqueue|securityfs|debugfs|tracefs|pstore|bpf|nsfs|configfs|fusectl|hugetlbfs|efivarfs|autofs|binfmt_misc|squashfs|ramfs|rpc_pipefs|overlay|selinuxfs|fuse\.[^ ]*'
{
    mark begin files
    grep -asHvE "$other|^[0-9]+ [0-9]+ [0-9]+:[0-9]+ [^ ]+ /[^ ]+ .* - ($pseudo) " \
        /proc/uptime /proc/loadavg /proc/stat /proc/meminfo /proc/vmstat \
        /proc/pressure/cpu /proc/pressure/memory /proc/pressure/io /proc/1/stat /proc/sys/kernel/hostname \
        /proc/sys/kernel/osrelease /proc/sys/kernel/arch /proc/sys/kernel/random/boot_id /proc/sys/kernel/tainted \
        /sys/devices/system/cpu/online /sys/class/dmi/id/sys_vendor /sys/class/dmi/id/product_name \
        /run/systemd/container /etc/os-release /etc/fstab /proc/self/mountinfo
    mark 'done' $?

    if [ -r /proc/1/stat ]; then
        mark begin processes
        found=$(grep -asoHE '^[0-9]+ \(.*\) [ZD] [0-9]+' /proc/[0-9]*/stat)
        status=$?
        IFS=$nl
        set -f
        n=0 known=0 parents=' '
        for line in $found; do
            n=$((n + 1))
            [ $n -le 256 ] || continue
            say "$line"
            parent=${line##* }
            case $line in *') Z '*) ;; *) continue ;; esac
            case $parents in *" $parent "*) continue ;; esac
            known=$((known + 1))
            [ $known -le 16 ] || continue
            parents="$parents$parent "
            name='' group=''
            read -r name <"/proc/$parent/comm"
            while read -r line; do group=$line; done <"/proc/$parent/cgroup"
            say "parent $parent $name"
            say "group $parent $group"
        done
        set +f
        unset IFS
        say "total $n"
        mark 'done' $status
    else
        mark missing processes 'other processes are hidden from this account'
    fi

    mark begin disks
    limit 5 df -B1 -l --output=source,fstype,size,used,avail,itotal,iused,iavail,target
    status=$?
    mark 'done' $status
    case $status in
    0 | 124) ;;
    *)
        mark begin blocks
        limit 5 df -P -k
        mark 'done' $?
        mark begin inodes
        limit 5 df -P -i
        mark 'done' $?
        ;;
    esac
} | head -c 524288

container=''
for file in /run/systemd/container /.dockerenv /run/.containerenv; do
    [ -e "$file" ] && container=$file
done
mark begin machine
say "window $window"
[ -n "$container" ] && say "container $container"
mark 'done' 0

# The journal shows an account without rights only its own messages, and calls that success: look at the files.
journal='' hidden=''
if have journalctl; then
    for file in /var/log/journal/*/system.journal /run/log/journal/*/system.journal; do
        [ -r "$file" ] && journal=$file
        [ -e "$file" ] && hidden=$file
    done
fi

if [ -d /run/systemd/system ]; then
    mark begin manager
    manager=$(limit 5 systemctl show --no-pager -p NFailedUnits -p SystemState -p Virtualization -p Version)
    status=$?
    say "$manager"
    mark 'done' $status
    failed=''
    case $nl$manager$nl in
    *"${nl}NFailedUnits=0$nl"*)
        mark begin units
        mark 'done' 0
        ;;
    *)
        mark begin units
        failed=$({
            limit 5 systemctl list-units --failed --plain --no-legend --no-pager --full
            mark 'done' $?
        } | head -c 65536)
        say "$failed"
        ;;
    esac
    IFS=$nl
    set -f
    n=0 names=''
    for line in $failed; do
        name=${line%% *}
        case $name in "@$nonce" | watchkeeper-* | '') continue ;; esac
        n=$((n + 1))
        [ $n -le 8 ] && names=$names$name$nl
    done
    if [ -n "$names" ]; then
        mark begin unit-details
        # shellcheck disable=SC2086 # one name a line, and IFS is the line end
        limit 5 systemctl show --no-pager \
            -p Id,Type,Description,Result,ExecMainCode,ExecMainStatus,NRestarts,StateChangeTimestamp,UnitFileState,FragmentPath -- $names
        mark 'done' $?
        if [ -n "$journal" ]; then
            mark begin unit-journal
            for name in $names; do
                say "unit $name"
                limit 4 journalctl -q --no-pager -n 8 -o json --output-fields=MESSAGE,PRIORITY --unit="$name" | head -c 16384
                say ''
            done
            mark 'done' 0
        fi
    fi
    set +f
    unset IFS
elif [ -d /run/openrc ]; then
    mark begin openrc
    for file in /run/openrc/failed/*; do
        [ -L "$file" ] || [ -e "$file" ] && say "failed ${file##*/}"
    done
    limit 5 rc-status --crashed
    status=$?
    # It ends with 1 when nothing has crashed.
    [ $status = 1 ] && status=0
    mark 'done' $status
else
    mark missing units 'neither systemd nor OpenRC runs here'
fi

if [ -n "$journal" ]; then
    mark begin journal
    fields=SYSLOG_IDENTIFIER,_COMM,_SYSTEMD_UNIT,_TRANSPORT,MESSAGE
    errors=$({
        limit 8 journalctl -q --no-pager -p err --since=-"$window"s -n 500 -o json --output-fields=$fields
        mark 'done' $?
    } | head -c 262144)
    say "$errors"
    IFS=$nl
    set -f
    # shellcheck disable=SC2086 # counted are its lines
    count $errors
    set +f
    unset IFS
    # A flood of others would hide what the kernel said.
    if [ $n -ge 500 ]; then
        mark begin kernel
        {
            limit 8 journalctl -q --no-pager -k -p err --since=-"$window"s -n 100 -o json --output-fields=$fields
            mark 'done' $?
        } | head -c 131072
    fi
else
    if [ -n "$hidden" ]; then
        mark missing journal 'the journal is readable for root and the group systemd-journal only'
    else
        mark missing journal 'no journal is kept here'
    fi
    if [ -n "$container" ]; then
        mark missing dmesg 'the kernel log is that of the machine around this container'
    else
        mark begin dmesg
        {
            limit 5 dmesg
            mark 'done' $?
        } | grep -aE "Killed process |^@$nonce " | tail -n 60 | head -c 65536
    fi
fi

mark begin reboot
{ [ -e /run/reboot-required ] || [ -e /var/run/reboot-required ]; } && say required
if [ -r /run/reboot-required.pkgs ]; then
    n=0
    while [ $n -lt 20 ] && read -r line; do
        n=$((n + 1))
        say "package $line"
    done </run/reboot-required.pkgs
fi
n=0
for file in /lib/modules/*/modules.dep; do
    version=${file%/modules.dep}
    version=${version##*/}
    [ -e "$file" ] || continue
    n=$((n + 1))
    [ $n -le 40 ] || break
    if [ -e "/boot/vmlinuz-$version" ] || [ -e "/lib/modules/$version/vmlinuz" ]; then
        say "kernel $version image"
    else
        say "kernel $version modules"
    fi
done
mark 'done' 0

if [ -e /etc/NIXOS ]; then
    mark begin nixos
    for file in /run/booted-system /run/current-system /nix/var/nix/profiles/system; do
        if [ -e "$file" ]; then
            say "link $file $(readlink -f "$file")"
        else
            say "absent $file"
        fi
    done
    say "generation $(readlink /nix/var/nix/profiles/system)"
    for part in kernel initrd kernel-modules; do
        # shellcheck disable=SC3013 # dash, bash, mksh and busybox have it
        if [ "/run/booted-system/$part" -ef "/run/current-system/$part" ]; then
            say "same $part"
        else
            say "differs $part"
        fi
    done
    mark 'done' 0
fi

if [ $# -gt 0 ]; then
    if have openssl; then
        mark begin certificates
        for file; do
            say "certificate $file"
            if [ ! -e "$file" ]; then
                say absent
            elif [ ! -r "$file" ]; then
                say unreadable
            else
                limit 5 openssl x509 -noout -enddate -in "$file" | head -c 256
            fi
        done
        mark 'done' 0
    else
        mark missing certificates 'openssl is not installed'
    fi
fi

mark begin clock
if [ -e /run/systemd/timesync/synchronized ]; then
    say 'timesyncd yes'
elif [ -d /run/systemd/timesync ]; then
    say 'timesyncd no'
elif [ -d /run/chrony ] && have chronyc; then
    say "chrony $(limit 3 chronyc -n -c tracking | head -c 512)"
elif [ -n "$container" ]; then
    say container
elif [ -d /run/systemd/system ] && have timedatectl; then
    say "timedated $(limit 4 timedatectl show -p NTPSynchronized)"
elif have adjtimex; then
    limit 3 adjtimex
fi
say "now $(date -u +%s)"
mark 'done' 0
mark end
