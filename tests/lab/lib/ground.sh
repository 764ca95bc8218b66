# shellcheck shell=bash disable=SC2154
# What the hosts of one lab share: the bridge, their names (dnsmasq), and the program that shows each host its own share
# of the machine in /proc (lxcfs). Made with the first host, removed with the last. Call only inside `locked`.

make_ground() {
  # A mount whose lxcfs was killed cannot even be looked at.
  [[ -d $run/lxcfs ]] || umount -l "$run/lxcfs" 2>/dev/null || true
  mkdir -p "$run/names" "$run/lxcfs"
  local limit
  for limit in instances watches; do # A systemd takes some dozens of each.
    (($(<"/proc/sys/fs/inotify/max_user_$limit") >= 65536)) || echo 65536 >"/proc/sys/fs/inotify/max_user_$limit"
  done
  if ! ip link show "$bridge" &>/dev/null; then
    local taken
    taken=$(other_route)
    [[ ! $taken ]] || die "$taken"
    # With an address of its own: else it takes the lowest of its ports', and changes it under everybody's feet.
    ip link add "$bridge" address 02:77:6b:62:00:00 type bridge
    ip addr add "$gateway/16" dev "$bridge"
    ip link set "$bridge" up
    echo "$gateway controller.lab" >"$run/names/controller"
  fi
  alive dnsmasq || start_names
  alive lxcfs || start_lxcfs
}

# Whether these addresses are already somebody else's, said in words.
other_route() {
  ip -o route show match "$gateway" | awk -v net="$LAB_NET.0.0/16" -v bridge="$bridge" \
    '$1 != "default" && $0 !~ " dev " bridge " " { print net " is in use here (route " $1 "); set LAB_NET"; exit }'
}

start_names() {
  dnsmasq --conf-file=/dev/null --user=root --pid-file="$run/dnsmasq.pid" --listen-address="$gateway" --bind-interfaces \
    --except-interface=lo --no-resolv --no-hosts --hostsdir="$run/names" --local=/lab/ --local-ttl=1 \
    </dev/null >"$run/dnsmasq.log" 2>&1 7>&- 9>&- || die "dnsmasq does not start (see $run/dnsmasq.log)"
}

start_lxcfs() {
  umount -l "$run/lxcfs" 2>/dev/null || true
  setsid lxcfs -f -l -p "$run/lxcfs.pid" "$run/lxcfs" </dev/null >"$run/lxcfs.log" 2>&1 7>&- 9>&- &
  local tries
  for ((tries = 0; tries < 50; tries++)); do
    [[ ! -e $run/lxcfs/proc/meminfo ]] || return 0
    sleep 0.1
  done
  die "lxcfs does not start (see $run/lxcfs.log)"
}

# Where nobody reaps, a dead process keeps its number, but not its program.
alive() { [[ $(readlink "/proc/$(cat "$run/$1.pid" 2>/dev/null)/exe") == */$1 ]]; }

tidy_ground() {
  [[ -z $(hosts) && -d $run ]] || return 0
  local daemon hierarchy
  umount "$run/lxcfs" 2>/dev/null || umount -l "$run/lxcfs" 2>/dev/null || true # lxcfs ends with its mount.
  for daemon in dnsmasq lxcfs; do stop_daemon "$daemon"; done
  ip link del "$bridge" 2>/dev/null || true
  for hierarchy in $(findmnt -rno TARGET -t cgroup,cgroup2); do
    rmdir "$hierarchy/$LAB_ID" 2>/dev/null || true
  done
  rm -rf --one-file-system "$run"
}

stop_daemon() {
  local signal tries
  for signal in TERM KILL; do
    ! alive "$1" || kill -s "$signal" "$(<"$run/$1.pid")" 2>/dev/null || true
    for ((tries = 0; tries < 30; tries++)); do
      alive "$1" || return 0
      sleep 0.1
    done
  done
}
