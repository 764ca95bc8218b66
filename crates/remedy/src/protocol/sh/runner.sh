# Runs one step, detached. Arguments: its stage, the user's number, ID, BOOT, LIMIT, MAX, umask.
# Signals are caught, not ignored: what is started gets the default back.
trap : HUP INT TERM
stage=$1 uid=$2 id=$3 boot=$4 limit=$5 max=$6 mask=$7
parent=${stage%/*}
gate=$parent/$id
keeps=/var/lib/watchkeeper-runs
umask 077

# One stage may have been given to two runners, when systemd said no and did it after all.
mkdir "$stage/mine" 2>/dev/null || exit 0
stat_of $$
if ! echo "$$ $born $boot ${stage##*/}" >"$stage/who" || ! mkdir "$gate" 2>/dev/null; then
  rm -rf "$stage"
  exit 0
fi
# The gate was not there and now it is: this is the start.
mv "$stage/who" "$gate/who" || exit 1
cd "$stage" && mv script status.new step keep out.tail err.tail out.open err.open unlimited o e runner "$gate/" || exit 1
cd / || exit 1
rm -rf "$stage"

save() { dd if="$1" of="$2" conv=fsync 2>/dev/null; }
make_keep() {
  mkdir -p "$keeps" 2>/dev/null
  private "$keeps" && mkdir "$keeps/$id" 2>/dev/null || return 1
  save "$gate/who" "$keeps/$id/who" && save "$gate/script" "$keeps/$id/script" &&
    save "$gate/status.new" "$keeps/$id/status.new" &&
    dd if=/dev/zero of="$keeps/$id/reserve" bs=1024 count=64 conv=fsync 2>/dev/null && return 0
  rm -rf "${keeps:?}/$id"
  return 1
}
keep=$gate
where=gate
if [ "$uid" = 0 ] && make_keep; then
  keep=$keeps/$id
  where=keep
fi
echo "$where" 1<>"$gate/keep"

# drain NAME FIFO: the first MAX bytes and the last 64 KB are kept, and the writer never blocks, dies or fills the disk.
blocks=$(((max + 511) / 512))
drain() (
  exec <"$gate/$2" 2>/dev/null
  trap '' XFSZ
  (ulimit -c 0; ulimit -f "$blocks" && exec cat; exec head -c "$max") >"$keep/$1"
  tail -c 65536 >"$gate/$1.tail"
  cat >/dev/null
  mv "$gate/$1.open" "$gate/$1.done"
)
drain out o &
drain err e &

session=
if command -v setsid >/dev/null 2>&1; then session=setsid; fi
# A child begun with & ignores INT and QUIT for good; GNU env can undo it.
clean='env -i'
if env --default-signal true 2>/dev/null; then clean='env --default-signal -i'; fi
if [ "$uid" = 0 ]; then
  user=root
  home=~root
  case $home in /*) ;; *) home=/root ;; esac
else
  user=$(id -un)
  home=$HOME
fi

read -r from rest </proc/uptime
(
  umask "$mask"
  # shellcheck disable=SC2016,SC2086
  exec $session /bin/sh -c '
    gate=$1
    shift
    read -r stat </proc/$$/stat
    set -f
    began() { shift 19 && echo "$$ $1" 1<>"$gate/step"; }
    began ${stat##*) }
    exec "$@" /bin/sh "$gate/script"
  ' step "$gate" $clean PATH="$PATH" HOME="$home" USER="$user" LOGNAME="$user" SHELL=/bin/sh LANG=C.UTF-8 TERM=dumb \
    DEBIAN_FRONTEND=noninteractive
) </dev/null >"$gate/o" 2>"$gate/e" &
step=$!
stat_of "$step"
began=$born

# end SIGNAL: only ever with the builtin kill; some programs of that name take -TERM -15 for "everybody".
end() {
  alive "$step" "$began" || exit 0
  if [ -n "$session" ]; then kill "-$1" "-$step"; else kill "-$1" "$step"; fi
}
# It looks every second, so that it needs no signal to end: a shell may lose one right after a fork.
guard() {
  read -r now rest </proc/uptime
  deadline=$((${now%%.*} + limit))
  while [ "${now%%.*}" -lt "$deadline" ]; do
    sleep 1
    kill -0 "$step" 2>/dev/null || exit 0
    read -r now rest </proc/uptime
  done
  alive "$step" "$began" || exit 0
  mv "$gate/unlimited" "$gate/limit"
  end TERM
  for second in 1 2 3 4 5 6 7 8 9 10; do
    sleep 1
    alive "$step" "$began" || exit 0
  done
  end KILL
}
guard </dev/null >/dev/null 2>&1 &
guardian=$!

while :; do
  wait "$step"
  code=$?
  # A signal to this shell ends the wait too.
  if [ "$code" -le 128 ] || ! kill -0 "$step" 2>/dev/null; then break; fi
done
read -r to rest </proc/uptime

waited=0
while [ -e "$gate/out.open" ] || [ -e "$gate/err.open" ]; do
  [ "$waited" -lt 100 ] || break
  nap
done
open=0
if [ -e "$gate/out.open" ] || [ -e "$gate/err.open" ]; then open=1; fi
why='exit'
if [ -e "$gate/limit" ]; then why=limit; fi

# In place, so that a full disk cannot prevent it; the rename makes it whole.
finish() {
  echo "$why $code from $from to $to open $open" 1<>"$1/status.new" || return
  dd if=/dev/null of="$1/status.new" conv=notrunc,fsync 2>/dev/null
  mv "$1/status.new" "$1/status"
}
rm -f "$keep/reserve"
finish "$keep"
[ "$keep" = "$gate" ] || finish "$gate"
# A unit must not end before all that belongs to the run, or systemd remarks on it.
wait "$guardian"
exit 0
