# shellcheck shell=bash disable=SC2016,SC2154
# Processor and memory. The culprit is always a unit of the host's own, so that it counts against the host.

# spawn UNIT COMMAND...: systemd expands $ in what it starts, hence the doubling.
spawn() {
  local command=("${@:2}")
  spawned "$1" || in_host systemd-run --quiet --collect --unit="$1" --description="$1" -- "${command[@]//\$/\$\$}"
}
unspawn() { in_sh 'systemctl stop "$1" 2>/dev/null || true' "$1"; }
spawned() { in_host systemctl -q is-active "$1"; }

kind cpu inside '[N=cores]' 'reindex.service has N busy loops' 'CPU near 100 %, load rises to N; reindex.service has it'
cpu.break() { spawn reindex sh -c 'for i in $(seq "$1"); do perl -e "1 while 1" & done; wait' sh "${1:-$(nproc)}"; }
cpu.mend() { unspawn reindex; }
cpu.holds() { spawned reindex; }

kind load inside '[N=16]' 'N processes of nfs-sync.service wait and cannot be interrupted' \
  'load rises to N in a minute while the CPU is idle; state D in ps'
load.break() {
  # A parent waits so for a child of vfork that neither ends nor executes anything: as for a dead file server.
  local clone=56
  [[ $(uname -m) != aarch64 ]] || clone=220
  spawn nfs-sync perl -e "for (1 .. ${1:-16}) { next if fork; syscall($clone, 0x4011, 0, 0, 0, 0); sleep } sleep"
}
load.mend() { unspawn nfs-sync; }
load.holds() { spawned nfs-sync; }

kind zombies inside '[N=30]' 'spooler.service does not reap its children' 'N processes in state Z with one parent'
zombies.break() {
  spawn spooler perl -e 'for (1 .. $ARGV[0]) { fork or exit } sleep' "${1:-30}"
  in_sh 'until [ "$(ps axo stat= | grep -c ^Z)" -ge "$1" ]; do sleep 0.1; done' "${1:-30}"
}
zombies.mend() { unspawn spooler; }
zombies.holds() { (($(in_host ps axo stat= | grep -c '^Z') >= 10)); }

kind mem inside '[PCT=93]' 'report.service takes memory until PCT is used' 'MemAvailable is low; report.service is the largest'
mem.break() {
  local kib
  kib=$(in_host awk -v percent="${1:-93}" '/^MemTotal/ { total = $2 } /^MemAvailable/ { available = $2 }
    END { print int(available - total * (100 - percent) / 100) }' /proc/meminfo)
  ((kib > 0)) || return 0
  spawn report perl -e '$x = "x" x ($ARGV[0] * 1024); open my $f, ">", "/run/report.loaded"; sleep' "$kib"
  in_sh 'for i in $(seq 100); do [ ! -e /run/report.loaded ] || exit 0; sleep 0.2; done; exit 1'
}
mem.mend() { unspawn report; in_host rm -f /run/report.loaded; }
mem.holds() { spawned report; }

kind oom inside '' 'importer.service grows until the kernel kills it' \
  'the unit has failed, killed by KILL; "Out of memory: Killed process" in journalctl -k'
oom.break() {
  local since
  since=$(cut -d. -f1 /proc/uptime)
  in_sh 'systemctl reset-failed importer 2>/dev/null || true
    systemd-run --quiet --unit=importer -p OOMScoreAdjust=900 -- perl -e "push @x, q(x) x 4194304 while 1"
    until systemctl -q is-failed importer; do sleep 0.2; done'
  forward_kernel_log "$since"
}
oom.mend() { in_sh 'systemctl reset-failed importer 2>/dev/null || true'; }
oom.holds() { in_host systemctl -q is-failed importer; }

# The kernel tells only this machine whom it killed. What it says of the host goes to the host's own kernel log, with
# the number that the process has there.
forward_kernel_log() {
  local killed number=0 line
  killed=$(in_host systemctl show -P ExecMainPID importer)
  dmesg | sed -n 's/^\[ *\([0-9]*\)\.[0-9]*\] /\1 /p' |
    awk -v since="$1" -v group="/$LAB_ID/$name" '$1 >= since && (index($0, group) || /ut of memory: Killed|invoked oom-killer/)' |
    cut -d' ' -f2- | sed -E "s/pid=[0-9]+/pid=$killed/; s/Killed process [0-9]+/Killed process $killed/" |
    while IFS= read -r line; do
      printf '3,%d,%s,-;%s\n' $((number++)) "$(cut -d' ' -f1 /proc/uptime | tr -d .)0000" "$line" 1<>"$dir/layer/kmsg"
      sleep 0.05 # A pipe gives all that it holds at one read, and the journal takes one read for one message.
    done
}
