# shellcheck shell=bash disable=SC2016,SC2154
# What is left: logs, names, certificates, packages, a reboot that is due.

kind errors inside '[N=200]' 'a burst of error messages' 'N entries of priority err from payments within a second'
errors.break() {
  in_sh 'seq -f "payment %g failed: upstream refused the connection (ECONNREFUSED 10.0.0.5:5432)" "$1" |
    logger -t payments -p daemon.err' "${1:-200}"
  journal_sync
}
errors.mend() { in_sh 'journalctl -q --rotate; journalctl -q --vacuum-time=1s'; }
errors.holds() { (($(in_host journalctl -q -t payments -p err --since -10min -o cat | wc -l) >= 20)); }
journal_sync() { in_host journalctl -q --sync; }

kind reboot-required inside '' 'an update wants a reboot' '/run/reboot-required exists'
reboot-required.break() {
  in_sh 'echo "*** System restart required ***" >/run/reboot-required; echo linux-image-amd64 >/run/reboot-required.pkgs'
}
reboot-required.mend() { in_host rm -f /run/reboot-required /run/reboot-required.pkgs; }
reboot-required.holds() { in_host test -e /run/reboot-required; }

kind dns inside '' 'the name server does not answer' 'getent hosts controller.lab fails after a time-out'
dns.break() { in_host sed -i "s/^nameserver .*/nameserver $LAB_NET.255.254/" /etc/resolv.conf; }
dns.mend() { in_host sed -i "s/^nameserver .*/nameserver $gateway/" /etc/resolv.conf; }
dns.holds() { ! grep -qx "nameserver $gateway" "$dir/root/etc/resolv.conf"; }

kind cert inside '[DAYS=-1]' "the site's certificate has DAYS left (-1: expired)" \
  'notAfter of /etc/ssl/site/site.crt, and of what port 443 shows'
cert.break() {
  local site=$dir/root/etc/ssl/site
  openssl req -new -key "$site/site.key" -subj /CN=site.lab |
    openssl x509 -req -signkey "$site/site.key" -days "${1:--1}" 2>/dev/null | in_host tee /etc/ssl/site/site.crt
  nginx_rereads
}
cert.mend() {
  in_host tee /etc/ssl/site/site.crt <"$(<"$dir/image")/etc/ssl/site/site.crt"
  nginx_rereads
}
# Where nginx is stopped or broken too, that is another fault's matter.
nginx_rereads() { in_sh 'systemctl reload nginx || true'; }
cert.holds() { ! openssl x509 -in "$dir/root/etc/ssl/site/site.crt" -noout -checkend $((14 * 86400)); }

kind pkg-broken inside '' 'a package is half configured' 'dpkg --audit names labagent; its script misses /etc/labagent.conf'
pkg-broken.break() {
  local tree=$dir/labagent
  mkdir -p "$tree/DEBIAN"
  printf '%s\n' 'Package: labagent' 'Version: 1.2' 'Architecture: all' 'Maintainer: lab <root@lab>' \
    'Description: agent of the lab' >"$tree/DEBIAN/control"
  printf '%s\n' '#!/bin/sh' '[ -f /etc/labagent.conf ] || { echo "labagent: /etc/labagent.conf is missing" >&2; exit 1; }' \
    >"$tree/DEBIAN/postinst"
  chmod 755 "$tree/DEBIAN/postinst"
  dpkg-deb -b "$tree" "$dir/labagent.deb"
  in_host tee /var/cache/labagent.deb <"$dir/labagent.deb" >/dev/null
  in_sh 'dpkg -i /var/cache/labagent.deb 2>/dev/null || true'
}
pkg-broken.mend() { in_sh 'dpkg --purge --force-all labagent; rm -f /var/cache/labagent.deb'; }
pkg-broken.holds() { [[ $(in_host dpkg --audit) ]]; }
