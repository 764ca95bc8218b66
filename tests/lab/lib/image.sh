# shellcheck shell=bash disable=SC2154
# The image: the read-only lower layer of every host. Its folder is named after its recipe, so a changed recipe makes a
# new image beside the old one, which hosts that are up go on using. Packages and configuration are two steps: only
# the first, which takes most of the time, needs the network.

password=watch-the-lab # of ops, and of use only where a fault makes sshd take passwords
image_packages=(systemd systemd-sysv dbus libpam-systemd openssh-server sudo iproute2 iputils-ping procps psmisc cron
  logrotate nginx openssl curl nftables)
# Consoles that nobody reads, and housekeeping that would wake every host in the same second.
image_masked=(console-getty.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer
  fstrim.timer systemd-pcrphase.service)

suite() {
  # shellcheck source=/dev/null
  (. /etc/os-release && [[ $ID == debian ]] && echo "${LAB_SUITE:-$VERSION_CODENAME}") || echo "${LAB_SUITE:-bookworm}"
}

mirror() {
  [[ -z $LAB_MIRROR ]] || { echo "$LAB_MIRROR"; return; }
  # shellcheck disable=SC2016
  apt-get indextargets --format '$(RELEASE) $(SITE)' 'Created-By: Packages' |
    awk -v suite="$(suite)" '$1 == suite && !found { print $2; found = 1 }'
}

packages_dir() { echo "$images/packages-$(sha256sum <<<"$(suite) ${image_packages[*]}" | cut -c1-12)"; }

image_dir() {
  local recipe
  recipe=$({
    packages_dir
    echo "$password ${image_masked[*]}"
    declare -f configure_image
    cd "$here/guest" && find . -type f -print0 | sort -z | xargs -0 sha256sum
  } | sha256sum | cut -c1-12)
  echo "$images/host-$recipe"
}

build() {
  local image
  image=$(image_dir)
  if [[ ! -f $image.done ]]; then
    check
    mkdir -p "$images"
    (flock 6; [[ -f $image.done ]] || build_image "$image") 6>"$images/lock"
  fi
  touch -c "$image.done" "$(packages_dir).done"
}

build_image() {
  local packages from log=$images/build.log started=$SECONDS
  packages=$(packages_dir)
  if [[ ! -f $packages.done ]]; then
    from=$(mirror)
    [[ $from ]] || die "apt's sources hold no $(suite); set LAB_MIRROR or LAB_SUITE"
    say "lab: fetching the packages of $(suite), about a minute (log: $log)"
    rm -rf "$packages"
    debootstrap --variant=minbase --include="$(IFS=,; echo "${image_packages[*]}")" "$(suite)" "$packages" "$from" \
      >"$log" 2>&1 6>&- || die "debootstrap failed (see $log)"
    rm -rf "$packages"/var/cache/apt/archives/*.deb
    touch "$packages.done"
  fi
  rm -rf "$1"
  cp -a "$packages" "$1"
  # A process of its own, since `set -e` does not hold in what stands before `||`.
  "$BASH" -euc "$(declare -p password image_masked here); $(declare -f configure_image); configure_image $1" \
    >>"$log" 2>&1 6>&- || die "cannot configure the image (see $log)"
  touch "$1.done"
  remove_old_images
  say "lab: the image is ready after $((SECONDS - started)) s"
}

# Those that nobody has asked for since yesterday, and that no host stands on.
remove_old_images() {
  local stamp old
  find "$images" -maxdepth 1 -name '*.done' ! -newermt "-1 day" | while read -r stamp; do
    old=${stamp%.done}
    grep -qF "$old" /proc/self/mountinfo && continue
    rm -f "$stamp"
    rm -rf --one-file-system "$old"
  done
}

configure_image() {
  local root=$1 file mode
  chroot "$root" useradd -m -s /bin/bash ops
  echo "ops:$password" | chroot "$root" chpasswd
  (cd "$here/guest" && find . -type f) | while read -r file; do
    mode=644
    [[ ! -x $here/guest/$file ]] || mode=755
    install -D -m "$mode" "$here/guest/$file" "$root/$file"
  done
  chmod 440 "$root/etc/sudoers.d/ops"
  rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/machine-id"
  # Newer servers shut out an address after some failed logins; here that would be the whole test run.
  mkdir -p "$root/run/sshd"
  ssh-keygen -q -t ed25519 -N '' -f "$root/run/sshd/key"
  ! chroot "$root" /usr/sbin/sshd -t -h /run/sshd/key -o PerSourcePenalties=no ||
    echo 'PerSourcePenalties no' >>"$root/etc/ssh/sshd_config.d/lab.conf"
  rm -r "$root/run/sshd"
  mkdir -p "$root"/srv/data "$root"/var/log/{journal,labapp} "$root/etc/ssl/site"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj /CN=site.lab \
    -keyout "$root/etc/ssl/site/site.key" -out "$root/etc/ssl/site/site.crt"
  for file in "${image_masked[@]}"; do ln -sf /dev/null "$root/etc/systemd/system/$file"; done
  chroot "$root" systemctl enable ssh cron nginx lab-proc.service labapp.service backup.timer
}
