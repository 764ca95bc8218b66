# shellcheck shell=bash disable=SC2016,SC2154
# Services: stopped, killed, misconfigured, in a loop, on a timer.

property_is() { [[ $(in_host systemctl show -P "$2" "$1") == "$3" ]]; }

kind svc-stop inside '[UNIT=nginx]' 'an enabled service is stopped' \
  'inactive though enabled; its port is closed; no failed unit'
svc-stop.break() { in_host systemctl stop "${1:-nginx}"; }
svc-stop.mend() { in_host systemctl start "${1:-nginx}"; }
svc-stop.holds() { property_is "${1:-nginx}" ActiveState inactive; }

kind svc-crash inside '' 'nginx is killed by a signal' 'the unit has failed, Result=signal'
svc-crash.break() {
  in_sh 'systemctl -q is-active nginx || { echo "nginx does not run" >&2; exit 1; }
    systemctl kill -s KILL nginx
    until systemctl -q is-failed nginx; do sleep 0.1; done'
}
svc-crash.mend() { in_sh 'systemctl reset-failed nginx; systemctl start nginx'; }
svc-crash.holds() { property_is nginx Result signal; }

kind svc-conf inside '[reload]' "a mistake in nginx's configuration (reload: the old processes run on)" \
  'nginx -t fails; the unit has failed (reload: it is active, the fault waits for a restart)'
svc-conf.break() {
  in_sh 'echo "worker_conections 512;" >/etc/nginx/conf.d/tuning.conf; systemctl "$1" nginx || true' "${1:-restart}"
}
svc-conf.mend() {
  in_sh 'rm -f /etc/nginx/conf.d/tuning.conf; systemctl reset-failed nginx; systemctl reload-or-restart nginx'
}
svc-conf.holds() { ! in_host nginx -t; }

kind svc-loop inside '' 'labapp has a bad configuration, and is restarted until systemd gives up' \
  'the unit has failed, Result=exit-code, status 78, NRestarts above 3; its journal names the line'
svc-loop.break() {
  in_sh 'sed -i "s/^port.*/port = eighty/" /etc/labapp.conf
    systemctl restart labapp || true
    until systemctl -q is-failed labapp; do sleep 0.2; done'
}
svc-loop.mend() {
  in_sh 'sed -i "s/^port.*/port = 8080/" /etc/labapp.conf; systemctl reset-failed labapp; systemctl restart labapp'
}
svc-loop.holds() { ! in_host labapp -t /etc/labapp.conf || in_host systemctl -q is-failed labapp; }

kind timer-fail inside '' 'the job behind backup.timer fails' 'backup.service has failed; the timer is active'
timer-fail.break() { in_sh 'echo target=/srv/archive >/etc/backup.conf; systemctl start backup.service || true'; }
timer-fail.mend() { in_sh 'echo target=/srv/data >/etc/backup.conf'; backup_again; }
timer-fail.holds() { in_sh '. /etc/backup.conf; ! test -d "$target"'; }

backup_again() { in_sh 'systemctl reset-failed backup.service || true; systemctl start backup.service'; }
