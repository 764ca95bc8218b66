# shellcheck shell=bash disable=SC2016,SC2154
# The way in: keys, passwords, sudo, the login shell.

kind hostkey inside '' 'the host has another host key' 'host key verification fails: refuse, and raise an issue'
hostkey.break() {
  in_sh 'rm -f "$1" "$1.pub"; ssh-keygen -q -t ed25519 -N "" -f "$1"; systemctl restart ssh' /etc/ssh/ssh_host_ed25519_key
}
hostkey.mend() {
  local key=$dir/root/etc/ssh/ssh_host_ed25519_key
  install -m 600 "$dir/host_key" "$key"
  install -m 644 "$dir/host_key.pub" "$key.pub"
  in_host systemctl restart ssh
  wait_ready
}
hostkey.holds() { ! cmp -s "$dir/host_key.pub" "$dir/root/etc/ssh/ssh_host_ed25519_key.pub"; }

kind ssh-auth inside '' "the key of ops is no longer accepted" \
  'permission denied (publickey): reachable, not observable'
ssh-auth.break() { in_host truncate -s 0 /home/ops/.ssh/authorized_keys; }
ssh-auth.mend() { in_host tee /home/ops/.ssh/authorized_keys <"$lab/key.pub"; }
ssh-auth.holds() { ! cmp -s "$lab/key.pub" "$dir/root/home/ops/.ssh/authorized_keys"; }

kind password-only inside '' 'sshd takes passwords and no keys (`lab password` is the one of ops)' \
  'permission denied (password): say that this way of logging in is not offered'
password-only.break() {
  in_sh 'printf "%s\n" "PubkeyAuthentication no" "PasswordAuthentication yes" >/etc/ssh/sshd_config.d/00-password.conf
    systemctl restart ssh'
  wait_ready
}
password-only.mend() {
  in_sh 'rm -f /etc/ssh/sshd_config.d/00-password.conf; systemctl restart ssh'
  wait_ready
}
password-only.holds() { in_sh '/usr/sbin/sshd -T | grep -qx "pubkeyauthentication no"'; }

kind sudo-broken inside '' 'ops may not use sudo any more' 'login works; sudo -n says that it wants a password'
sudo-broken.break() { in_host rm -f /etc/sudoers.d/ops; }
sudo-broken.mend() { in_sh 'umask 227; cat >/etc/sudoers.d/ops' <"$here/guest/etc/sudoers.d/ops"; }
sudo-broken.holds() { ! in_host runuser -u ops -- sudo -n true; }

# First lines in the file that bash reads before every command over SSH.
bashrc_has() { grep -qxF -- "$1" "$dir/root/home/ops/.bashrc"; }
bashrc_add() { bashrc_has "$1" || in_host sed -i "1i $1" /home/ops/.bashrc; }
bashrc_drop() {
  in_sh 'cd /home/ops; grep -vxF -- "$1" .bashrc >.bashrc.new; cat .bashrc.new >.bashrc; rm .bashrc.new' "$1"
}

shell_noise='echo "*** maintenance tonight, ask ops ***"'
kind shell-noise inside '' 'the shell of ops prints a banner before every command' \
  'nothing is wrong: the output must still be understood'
shell-noise.break() { bashrc_add "$shell_noise"; }
shell-noise.mend() { bashrc_drop "$shell_noise"; }
shell-noise.holds() { bashrc_has "$shell_noise"; }

shell_hang='sleep 600'
kind shell-hang inside '' 'the shell of ops hangs when it starts' 'login is accepted, no command ends: time out'
shell-hang.break() { bashrc_add "$shell_hang"; }
shell-hang.mend() { bashrc_drop "$shell_hang"; }
shell-hang.holds() { bashrc_has "$shell_hang"; }

kind user-added inside '' 'a second account with user id 0 appears' '/etc/passwd changed: critical, and never mended alone'
user-added.break() { in_sh 'grep -q ^sysupd: /etc/passwd || useradd -o -u 0 -g 0 -M -d /root -s /bin/bash sysupd'; }
user-added.mend() { in_host sed -i /^sysupd:/d /etc/passwd /etc/shadow; }
user-added.holds() { in_host awk -F: '$3 == 0 && $1 != "root" { found = 1 } END { exit !found }' /etc/passwd; }

kind key-added inside '' "root's authorized_keys has a stranger's key" 'the file changed: critical, and never mended alone'
key-added.break() {
  [[ -f $dir/stranger.pub ]] || ssh-keygen -q -t ed25519 -N '' -C mallory@elsewhere -f "$dir/stranger"
  in_host tee -a /root/.ssh/authorized_keys <"$dir/stranger.pub"
}
key-added.mend() { in_host tee /root/.ssh/authorized_keys <"$lab/key.pub"; }
key-added.holds() { ! cmp -s "$lab/key.pub" "$dir/root/root/.ssh/authorized_keys"; }
