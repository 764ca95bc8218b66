# What every request begins with. The reply is one line that begins with the nonce of the request.
say() { echo "@$nonce $*"; }

refuse() {
  say refused "$1"
  exit 0
}

check_header() {
  case $nonce in '' | *[!0-9a-f]*) exit 0 ;; esac
  [ ${#nonce} -eq 32 ] || exit 0
  if [ "$word" != wk1 ] || [ -n "$rest" ]; then refuse bad-header; fi
}

check_id() {
  case $id in '' | *[!a-z0-9.]* | .* | *. | *..*) refuse bad-id ;; esac
  [ ${#id} -le 64 ] || refuse bad-id
}

check_number() {
  case $1 in '' | *[!0-9]* | 0?* | ??????????*) refuse bad-header ;; esac
}

# The boot of this host: the kernel's, and when its first process began (a container keeps the kernel's).
# Where /proc hides the first process from a user, a 0; a user's directories survive a boot anyway.
find_boot() {
  here=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null)
  case $here in '' | *[!0-9a-f-]*) refuse no-boot ;; esac
  if stat_of 1; then here=$here.$born; else here=$here.0; fi
}

# The gate is the truth of this boot, the keep is what survives it. One place only, never a second choice.
find_places() {
  uid=$(id -u) || refuse no-id
  if [ "$uid" = 0 ]; then
    parent=/run/watchkeeper-runs
    keeps=/var/lib/watchkeeper-runs
  else
    case ${XDG_STATE_HOME-} in
      /*) parent=$XDG_STATE_HOME ;;
      *) case ${HOME-} in /*) parent=$HOME/.local/state ;; *) refuse no-home ;; esac ;;
    esac
    parent=$parent/watchkeeper/runs
    keeps=$parent
  fi
  gate=$parent/$id
  keep=$keeps/$id
}

# make_parent: the gate's parent is ours alone, or nothing is done.
make_parent() {
  umask 077
  mkdir -p "$parent" 2>/dev/null
  there "$parent" || refuse no-room
  private "$parent" || refuse parent
}

there() { [ -e "$1" ] || [ -L "$1" ]; }

sum() {
  if command -v sha256sum >/dev/null 2>&1; then set -- "$(sha256sum <"$1")"
  elif command -v openssl >/dev/null 2>&1; then set -- "$(openssl dgst -sha256 -r <"$1")"
  elif command -v shasum >/dev/null 2>&1; then set -- "$(shasum -a 256 <"$1")"
  else return 1
  fi
  echo "${1%% *}"
}
