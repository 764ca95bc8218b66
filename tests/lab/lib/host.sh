# shellcheck shell=bash disable=SC2154
# One host: how it is made, booted, looked into and removed.
#
# A supervisor process boots it with systemd-nspawn, and again when it reboots. The host is alive as long as its
# supervisor is, and the supervisor is in the control group GROUP/super, so that no process number need be remembered:
# GROUP/cgroup.kill ends everything, GROUP/cgroup.freeze stops it. nspawn and all that it starts live in GROUP/box.

# Sets name, dir, index, addr, netns, link and group for all functions below.
use_host() {
  [[ ${1:-} ]] || die 'which host?'
  name=$1 dir=$lab/hosts/$1
  [[ -f $dir/index ]] || die "no host '$name' ('lab list' shows them)"
  index=$(<"$dir/index")
  addr=$LAB_NET.$((index / 200)).$((10 + index % 200))
  netns=$LAB_ID-$name link=$LAB_ID-$index group=$cgroup2/$LAB_ID/$name
}

hosts() {
  local file
  for file in "$lab"/hosts/*/index; do
    file=${file%/index}
    echo "${file##*/}"
  done | sort -V
}

# ---- how it is ----

populated() { [[ -f $group/cgroup.events && $(<"$group/cgroup.events") == *'populated 1'* ]]; }
running() { [[ -f $group/super/cgroup.events && $(<"$group/super/cgroup.events") == *'populated 1'* ]]; }
frozen() { [[ -f $group/cgroup.events && $(<"$group/cgroup.events") == *'frozen 1'* ]]; }
booted() { [[ $(in_host systemctl is-system-running 2>/dev/null) =~ ^(running|degraded)$ ]]; }

# Sets pid to the host's PID 1 as this machine numbers it; empty while there is none.
find_pid1() {
  pid=
  { read -r pid <"$group/box/payload/init.scope/cgroup.procs"; } 2>/dev/null || true
}

# A connection proves nothing: the kernel accepts for an sshd that is stopped. A banner does. The line sent back keeps
# sshd from logging an error for each look.
answers() {
  # shellcheck disable=SC2016
  timeout 3 bash -c 'exec 3<>"/dev/tcp/$0/22" && read -r -t 2 banner <&3 && echo SSH-2.0-lab >&3 && [[ $banner == SSH-* ]]' \
    "$addr" 2>/dev/null
}

state() {
  if ! running; then echo off
  elif frozen; then echo frozen
  elif ! (booted); then echo booting
  elif answers; then echo up
  else echo silent
  fi
}

in_host() {
  local pid
  find_pid1
  [[ $pid ]] || die "$name is off"
  ! frozen || die "$name is frozen"
  nsenter -t "$pid" -m -u -i -n -p -C -T -r -w -- \
    /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME=/root "$@"
}
in_sh() { in_host timeout "$LAB_TIMEOUT" sh -euc "$1" sh "${@:2}"; }

wait_ready() {
  local deadline=$((SECONDS + LAB_TIMEOUT))
  until (booted) && answers; do
    ((SECONDS < deadline)) || die "$name is not up on $addr after $LAB_TIMEOUT s (see $dir/console.log)"
    sleep 0.1
  done
}

# ---- up ----

lock_host() {
  [[ $1 =~ ^[a-z][a-z0-9-]{0,30}$ ]] || die "'$1' cannot be the name of a host"
  mkdir -p "$lab"/{hosts,locks}
  exec 7>"$lab/locks/$1"
  flock 7
}

up_one() {
  lock_host "$1"
  [[ ${2:-} != --fresh ]] || remove_host "$1"
  locked enrol "$1"
  use_host "$1"
  ! running || return 0
  kill_all
  make_disks
  make_identity
  make_network
  rm -f "$dir/faults/poweroff"
  setsid "$here/lab" _supervise "$name" </dev/null >>"$dir/console.log" 2>&1 7>&- &
  wait_ready
  say "$name $addr is up"
}

# Gives a host its number, which is its address, and its key, so that clients know it before it boots.
enrol() {
  make_ground
  [[ -f $lab/key ]] || ssh-keygen -q -t ed25519 -N '' -C controller@lab -f "$lab/key"
  if [[ ! -f $lab/hosts/$1/index ]]; then
    local free=1
    while grep -qxs "$free" "$lab"/hosts/*/index /dev/null; do free=$((free + 1)); done
    mkdir -p "$lab/hosts/$1"
    rm -f "$lab/hosts/$1"/host_key*
    ssh-keygen -q -t ed25519 -N '' -C "root@$1" -f "$lab/hosts/$1/host_key"
    image_dir >"$lab/hosts/$1/image"
    echo "$free" >"$lab/hosts/$1/index"
  fi
  use_host "$1"
  echo "$addr $name.lab $name" >"$run/names/$name"
  write_client_files
}

make_disks() {
  local image
  image=$(<"$dir/image")
  [[ -f $image.done ]] || die "the image of $name is gone: 'lab up --fresh $name'"
  mkdir -p "$dir"/{layer,root,data,faults}
  mountpoint -q "$dir/layer" || mount -t tmpfs -o "size=$LAB_DISK,nr_inodes=20k,mode=755" "$LAB_ID-$name" "$dir/layer"
  mkdir -p "$dir"/layer/{upper,work}
  # Without xino, `du -x /` in the host would find nothing: files and folders would differ in their device number.
  mountpoint -q "$dir/root" ||
    mount -t overlay -o "xino=on,lowerdir=$image,upperdir=$dir/layer/upper,workdir=$dir/layer/work" overlay "$dir/root"
  [[ -f $dir/data.img ]] || { truncate -s "$LAB_DATA" "$dir/data.img"; mkfs.ext4 -q -m 0 -F "$dir/data.img"; }
  mountpoint -q "$dir/data" || mount -o loop "$dir/data.img" "$dir/data"
  [[ -p $dir/layer/kmsg ]] || mkfifo "$dir/layer/kmsg"
}

make_identity() {
  local root=$dir/root home
  [[ ! -s $root/etc/machine-id ]] || return 0 # It has booted before.
  rm -f "$dir"/faults/*
  install -m 600 "$dir/host_key" "$root/etc/ssh/ssh_host_ed25519_key"
  install -m 644 "$dir/host_key.pub" "$root/etc/ssh/ssh_host_ed25519_key.pub"
  for home in root home/ops; do
    install -d -m 700 "$root/$home/.ssh"
    install -m 600 "$lab/key.pub" "$root/$home/.ssh/authorized_keys"
  done
  chroot "$root" chown -R ops:ops /home/ops/.ssh
  echo "$name" >"$root/etc/hostname"
  printf '127.0.0.1 localhost\n%s %s.lab %s\n' "$addr" "$name" "$name" >"$root/etc/hosts"
  printf 'nameserver %s\nsearch lab\noptions timeout:1 attempts:1\n' "$gateway" >"$root/etc/resolv.conf"
  tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
}

make_network() {
  [[ ! -e /run/netns/$netns ]] || return 0
  ip netns add "$netns"
  # The hardware address follows from the IP address: what the neighbours remember of an address stays true.
  ip link add "$link" type veth peer name eth0 netns "$netns" \
    address "$(printf '02:77:6b:62:%02x:%02x' $((index / 256)) $((index % 256)))"
  ip link set "$link" master "$bridge" up
  ip -n "$netns" link set lo up
  ip -n "$netns" addr add "$addr/16" dev eth0
  ip -n "$netns" link set eth0 up
  ip -n "$netns" route add default via "$gateway"
}

# ---- while it runs ----

# Where the old control groups still own a controller: their mount points.
cgroup1() {
  local controller
  for controller in memory cpu cpuacct cpuset pids; do
    findmnt -rno TARGET -t cgroup -O "$controller" | head -n1
  done
}

# The groups of the host in every hierarchy, with its limits. A group of cgroup2 that hands controllers on may hold no
# process, hence super beside box.
make_groups() {
  local hierarchy controller
  mkdir -p "$group"/{super,box}
  for controller in cpu memory pids; do
    for hierarchy in "$cgroup2" "$cgroup2/$LAB_ID" "$group"; do
      grep -qw "$controller" "$hierarchy/cgroup.controllers" && echo "+$controller" >"$hierarchy/cgroup.subtree_control"
    done
  done 2>/dev/null || true
  [[ ! -f $group/memory.max ]] || echo "$LAB_MEMORY" >"$group/memory.max"
  for hierarchy in $(cgroup1); do
    mkdir -p "$hierarchy/$LAB_ID/$name"
    [[ ! -f $hierarchy/cpuset.cpus ]] || for controller in "$LAB_ID" "$LAB_ID/$name"; do
      cat "$hierarchy/cpuset.cpus" >"$hierarchy/$controller/cpuset.cpus"
      cat "$hierarchy/cpuset.mems" >"$hierarchy/$controller/cpuset.mems"
    done
    [[ ! -f $hierarchy/$LAB_ID/$name/memory.limit_in_bytes ]] ||
      echo "$LAB_MEMORY" >"$hierarchy/$LAB_ID/$name/memory.limit_in_bytes"
  done
}

supervise() {
  local hierarchy status clock
  make_groups
  echo $BASHPID >"$group/super/cgroup.procs"
  for hierarchy in $(cgroup1); do echo $BASHPID >"$hierarchy/$LAB_ID/$name/cgroup.procs"; done
  exec 8<>"$dir/layer/kmsg" # Who opens a pipe that nobody else holds waits for ever, PID 1 too.
  export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 SYSTEMD_NSPAWN_API_VFS_WRITABLE=network
  while :; do
    status=0
    ip link set "$link" up
    # The host's clock starts at its boot, so that its uptime and the age of its processes agree.
    clock=-$(cut -d. -f1 /proc/uptime)
    # shellcheck disable=SC2016
    unshare --time --boottime "$clock" --monotonic "$clock" --fork -- \
      sh -c 'echo $$ >"$0/cgroup.procs" && exec systemd-nspawn "$@"' "$group/box" \
      --quiet --boot --directory="$dir/root" --machine="$name" --register=no --keep-unit --console=read-only \
      --network-namespace-path="/run/netns/$netns" --capability=CAP_NET_ADMIN --resolv-conf=off --timezone=off \
      --link-journal=no --bind="$dir/data:/srv/data" --bind="$dir/layer/kmsg:/dev/kmsg" \
      --bind-ro="$run/lxcfs:/run/lxcfs" 8>&- || status=$?
    echo 1 >"$group/box/cgroup.kill"
    ip link set "$link" down # Else this machine would refuse connections in the name of a host that is off.
    echo "--- ended with status $status ---"
    ((status == 133)) || return 0 # 133: it wants to boot again.
  done
}

# ---- down ----

down_one() {
  lock_host "$1"
  remove_host "$1"
}

remove_host() {
  [[ -f $lab/hosts/$1/index ]] || return 0
  use_host "$1"
  local part
  kill_all
  for part in data root layer; do unmount "$dir/$part"; done
  ip netns del "$netns" 2>/dev/null || true
  ip link del "$link" 2>/dev/null || true
  for part in $(findmnt -rno TARGET -t cgroup,cgroup2); do
    [[ ! -d $part/$LAB_ID/$name ]] || find "$part/$LAB_ID/$name" -depth -type d -exec rmdir {} + 2>/dev/null || true
  done
  locked forget
}

forget() {
  rm -rf --one-file-system "$run/names/$name" "$dir"
  [[ ! -d $run ]] || write_client_files
}

kill_all() {
  local tries
  ! populated || echo 1 >"$group/cgroup.kill"
  for ((tries = 0; tries < 100; tries++)); do
    populated || return 0
    sleep 0.05
  done
  die "$name: processes survive SIGKILL"
}

unmount() {
  local tries
  for ((tries = 0; tries < 20; tries++)); do
    mountpoint -q "$1" || return 0
    umount "$1" 2>/dev/null || sleep 0.1
  done
  ! mountpoint -q "$1" || umount -l "$1"
}
