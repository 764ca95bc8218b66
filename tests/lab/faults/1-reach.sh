# shellcheck shell=bash disable=SC2016,SC2154
# The host cannot be reached, or only partly.

kind freeze outside '' 'every process of the host stands still' \
  'TCP connects, no SSH banner: unreachable, not healthy'
freeze.break() {
  local tries
  echo 1 >"$group/cgroup.freeze"
  for ((tries = 0; tries < 100; tries++)); do
    ! frozen || return 0
    sleep 0.05
  done
  die "$name does not freeze"
}
freeze.mend() { [[ ! -d $group ]] || echo 0 >"$group/cgroup.freeze"; }
freeze.holds() { frozen; }

kind net-cut outside '' 'the network cable is pulled, open connections included' \
  'connect times out, or no route to host; an open session goes silent'
net-cut.break() { ip link set "$link" nomaster; }
net-cut.mend() { ip link set "$link" master "$bridge"; }
net-cut.holds() { ! ip link show "$link" | grep -q "master $bridge"; }

kind net-drop outside '' 'a firewall drops what comes in for TCP port 22' \
  'connect times out; ping and port 80 answer'
net-drop.break() {
  ip netns exec "$netns" nft -f - <<<'
    table inet lab { chain input { type filter hook input priority 0; }; }
    flush chain inet lab input
    add rule inet lab input tcp dport 22 drop'
}
net-drop.mend() { ip netns exec "$netns" nft delete table inet lab 2>/dev/null || true; }
net-drop.holds() { ip netns exec "$netns" nft list table inet lab; }

kind net-slow outside '[RATE=32kbit]' 'the cable carries little, in both directions' \
  'a probe takes seconds; nothing else is wrong'
net-slow.break() {
  local limit=(tbf rate "${1:-32kbit}" burst 1600 latency 3s)
  tc qdisc replace dev "$link" root "${limit[@]}"
  tc -n "$netns" qdisc replace dev eth0 root "${limit[@]}"
}
net-slow.mend() {
  tc qdisc del dev "$link" root 2>/dev/null || true
  tc -n "$netns" qdisc del dev eth0 root 2>/dev/null || true
}
net-slow.holds() { tc qdisc show dev "$link" | grep -q tbf; }

kind poweroff outside '' 'the host shuts down and stays off' \
  'connect fails; after the mending a short uptime and a new boot id'
poweroff.break() {
  local tries
  in_host systemctl --no-block poweroff
  for ((tries = 0; tries < 300; tries++)); do
    running || return 0
    sleep 0.1
  done
  die "$name does not go off"
}
poweroff.mend() { up_one "$name"; }
poweroff.holds() { ! running; }

kind reboot outside '' 'the host boots again' \
  'a gap of a second or two, then a short uptime and a new boot id'
reboot.break() {
  local tries pid before
  find_pid1
  before=$pid
  in_host systemctl --no-block reboot
  for ((tries = 0; tries < 300; tries++)); do
    find_pid1
    [[ $pid == "$before" ]] || return 0
    sleep 0.1
  done
  die "$name does not reboot"
}
reboot.mend() { [[ ! -f $dir/faults/reboot ]] || wait_ready; }
reboot.holds() { [[ -f $dir/faults/reboot ]] && ! { booted && answers; }; }

kind sshd-stop inside '' 'sshd is stopped' 'connection refused; ping and port 80 answer'
sshd-stop.break() { in_host systemctl stop ssh; }
sshd-stop.mend() { in_host systemctl start ssh; wait_ready; }
sshd-stop.holds() { ! in_host systemctl -q is-active ssh; }

kind sshd-hang inside '' 'the listening sshd stands still' 'TCP connects, no SSH banner; systemd calls it active'
sshd-hang.break() { in_host systemctl kill -s STOP --kill-who=main ssh; }
sshd-hang.mend() { in_host systemctl kill -s CONT --kill-who=main ssh; wait_ready; }
sshd-hang.holds() { in_sh 'grep -q "^State:.T" "/proc/$(systemctl show -P MainPID ssh)/status"'; }

kind ssh-drop inside '' 'open SSH sessions are killed, and what they run with them' \
  'the connection closes in mid-command; the next one works'
ssh-drop.break() { in_sh 'loginctl list-sessions --no-legend | while read -r id _; do loginctl kill-session -s KILL "$id"; done'; }
ssh-drop.mend() { :; }
ssh-drop.holds() { false; } # Over at once.
