# shellcheck shell=bash disable=SC2154
# Whether this machine can run the lab, found out by trying, so that a refusal names the one thing that is missing.

check_root() { ((EUID == 0)) || refuse 'you are not root'; }

check() {
  check_root
  local obstacle
  obstacle=$(obstacle | head -n1)
  [[ ! $obstacle ]] || refuse "$obstacle"
}

refuse() {
  say "lab: cannot run here: $*"
  exit 3
}

obstacle() {
  local program group="$cgroup2/$LAB_ID-check-$$"
  for program in debootstrap systemd-nspawn nsenter unshare ip tc nft dnsmasq lxcfs jq openssl mkfs.ext4 ssh ssh-keygen; do
    command -v "$program" >/dev/null || { echo "no program '$program' (tests/install brings it)"; return; }
  done
  [[ $cgroup2 ]] || { echo 'no cgroup2 file system is mounted'; return; }
  mkdir "$group" 2>/dev/null || { echo "control groups cannot be made in $cgroup2"; return; }
  [[ -e $group/cgroup.kill ]] || echo 'the kernel has no cgroup.kill (Linux 5.14)'
  rmdir "$group"
  [[ -e /proc/self/ns/time ]] || echo 'the kernel has no time namespaces'
  losetup -f >/dev/null 2>&1 || echo 'no loop device can be made'
  [[ -c /dev/fuse ]] || echo 'no /dev/fuse'
  other_route
  unshare --mount --net bash -c "$(declare -f try_kernel); try_kernel" 2>/dev/null ||
    echo 'the kernel gives out no mount and network namespaces'
}

# Tries, out of sight of everybody, what hosts are made of. Prints what did not work.
try_kernel() {
  mount -t tmpfs none /mnt || { echo 'the kernel lets nobody mount a tmpfs'; return; }
  mkdir /mnt/{lower,upper,work,root}
  mount -t overlay -o xino=on,lowerdir=/mnt/lower,upperdir=/mnt/upper,workdir=/mnt/work overlay /mnt/root || echo 'no overlay file system'
  ip link add try0 type bridge || echo 'no network bridges'
  ip link add try1 type veth peer name try2 || echo 'no veth network devices'
  tc qdisc add dev try1 root tbf rate 32kbit burst 1600 latency 1s || echo 'no token bucket filter (tbf)'
  nft add table inet try || echo 'no nftables'
}
