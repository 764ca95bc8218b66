# Processes by number and start time: a number alone is given out again.
set -f
LC_ALL=C
PATH=${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin
export LC_ALL PATH
unset IFS

# stat_of PID: sets life (its state letter) and born (its start time).
stat_of() {
  case $1 in '' | *[!0-9]*) return 1 ;; esac
  set -- "$(cat "/proc/$1/stat" 2>/dev/null)"
  # Its name stands in brackets and may hold anything.
  set -- ${1##*) }
  [ $# -ge 20 ] || return 1
  life=$1
  shift 19
  born=$1
}

# alive PID START: a zombie is dead.
alive() {
  stat_of "$1" && [ "$born" = "$2" ] && [ "$life" != Z ] && [ "$life" != X ]
}

# private DIR: ours, no link, and nobody else can write it.
private() {
  [ ! -L "$1" ] && [ -n "$(find "$1" -prune -type d -user "$uid" ! -perm -020 ! -perm -002 2>/dev/null)" ]
}

nap() {
  if sleep 0.02 2>/dev/null; then waited=$((waited + 1)); else sleep 1 && waited=$((waited + 50)); fi
}
