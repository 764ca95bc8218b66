# Starts one step at most once. Repeating it is always safe.
read -r word id digest boot limit max nonce rest
check_header
check_id
case $digest in *[!0-9a-f]*) refuse bad-header ;; esac
[ ${#digest} -eq 64 ] || refuse bad-header
check_number "$limit"
check_number "$max"
find_boot
[ "$boot" = "$here" ] || refuse other-boot
find_places
mask=$(umask)
make_parent
if there "$gate" || there "$keep"; then
  say already
  exit 0
fi

# A shell may keep a here-document in a file.
TMPDIR=$parent
export TMPDIR
stage=$(mktemp -d "$parent/.in-$id-XXXXXX" 2>/dev/null) || refuse no-room
drop() {
  rm -rf "$stage"
  refuse "$1"
}
trap 'rm -rf "$stage"; exit 1' HUP INT TERM

# within SECONDS COMMAND: a client that vanished holds an upload for hours.
within() {
  if timeout 5 true 2>/dev/null; then timeout "$@"; else shift && "$@"; fi
}

read -r uptime rest </proc/uptime
stat_of $$
echo "$uptime $$ $born $boot" >"$stage/born" || drop no-room
within 60 cat >"$stage/script"
case $? in 0) ;; 124 | 143) drop upload ;; *) drop no-room ;; esac
found=$(sum "$stage/script") || drop no-sha256
[ "$found" = "$digest" ] || drop digest
# Every shell runs what stands before a syntax error.
/bin/sh -n "$stage/script" 2>/dev/null || drop syntax

# What the run will need later is made now, and written in place later: the disk may be full by then.
blanks='        '
while [ ${#blanks} -lt 512 ]; do blanks=$blanks$blanks; done
for file in status.new step keep; do
  echo "$blanks" >"$stage/$file" || drop no-room
done
(cd "$stage" && touch out.tail err.tail out.open err.open unlimited && mkfifo o e && runner >runner) 2>/dev/null ||
  drop no-room

trap - HUP INT TERM
set -- "$stage/runner" "$stage" "$uid" "$id" "$boot" "$limit" "$max" "$mask"
how=
if [ "$uid" = 0 ] && [ -d /run/systemd/system ] && command -v systemd-run >/dev/null 2>&1; then
  if said=$(
    trap '' PIPE
    within 15 systemd-run --quiet --collect --unit="watchkeeper-$id.service" -p KillMode=process \
      -p IgnoreSIGPIPE=no -p TimeoutStopSec=5 -E PATH="$PATH" /bin/sh "$@" </dev/null 2>&1 >/dev/null
  ); then
    how=unit
  else
    # Another starter's unit has the name: wait for its gate, and do not try another way.
    case $said in *already*) rm -rf "$stage" && how=other ;; esac
  fi
fi
if [ -n "$how" ]; then :
elif command -v setsid >/dev/null 2>&1; then
  how=session
  setsid /bin/sh "$@" </dev/null >/dev/null 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &
else
  how=plain
  /bin/sh "$@" </dev/null >/dev/null 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &
fi

waited=0
while [ "$waited" -lt 250 ]; do
  if [ -e "$gate/who" ]; then
    read -r _ _ _ from rest <"$gate/who"
    if [ "$from" = "${stage##*/}" ]; then say started "$how"; else say already; fi
    exit 0
  elif there "$gate/cancelled"; then
    say already
    exit 0
  elif [ "$how" != other ] && [ ! -d "$stage" ] && ! there "$gate"; then
    # The runner gave up before the gate: there was no room for it.
    refuse no-room
  fi
  nap
done
say pending
