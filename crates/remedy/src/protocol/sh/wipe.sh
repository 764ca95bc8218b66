# Removes what a run left, once its outcome is in the controller's store. The empty gate stays until the reboot.
read -r word id nonce rest
check_header
check_id
find_boot
find_places
if there "$parent"; then private "$parent" || refuse parent; fi

lives() {
  for trace in "$1/who" "$1/step"; do
    pid=''
    if [ -e "$trace" ]; then read -r pid start rest <"$trace"; fi
    if alive "$pid" "$start"; then return 0; fi
  done
  return 1
}
if [ ! -e "$gate/status" ] && lives "$gate"; then
  say busy
  exit 0
fi
if [ "$keep" != "$gate" ] && [ -d "$keep" ] && private "$keeps"; then rm -rf "$keep"; fi
if [ -d "$gate" ] && [ ! -L "$gate" ]; then
  set +f
  rm -rf "${gate:?}"/*
  set -f
  echo "$here" >"$gate/wiped" || refuse no-room
fi

# Gates wiped in an earlier boot (a user's survive it), and stages whose starter died more than a day of uptime ago.
read -r uptime rest </proc/uptime
set +f
for file in "$parent"/*/wiped; do
  set -f
  if [ -f "$file" ]; then
    read -r boot rest <"$file"
    if [ -n "$boot" ] && [ "$boot" != "$here" ]; then rm -rf "${file%/wiped}"; fi
  fi
done
set +f
for file in "$parent"/.in-*/born; do
  set -f
  if [ -f "$file" ] && ! lives "${file%/born}"; then
    read -r since pid start boot rest <"$file"
    old=0
    if [ "$boot" != "$here" ]; then old=1; fi
    case ${since%%.*} in
      '' | *[!0-9]*) ;;
      *) if [ "$((${uptime%%.*} - ${since%%.*}))" -gt 86400 ] && ! alive "$pid" "$start"; then old=1; fi ;;
    esac
    if [ "$old" = 1 ]; then rm -rf "${file%/born}"; fi
  fi
done
say wiped
