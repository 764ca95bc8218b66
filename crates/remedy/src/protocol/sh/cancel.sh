# Sees to it that a step never starts in this boot, unless it has. Stops nothing that runs.
read -r word id boot nonce rest
check_header
check_id
find_boot
[ "$boot" = "$here" ] || refuse other-boot
find_places
make_parent
if [ "$keep" != "$gate" ] && there "$keep" && ! there "$gate"; then
  say too-late
elif mkdir "$gate" 2>/dev/null; then
  mkdir "$gate/cancelled" || refuse no-room
  say cancelled
elif there "$gate"; then
  # Somebody has just come through it: a runner, or another cancel.
  waited=0
  until [ -e "$gate/who" ] || there "$gate/cancelled" || [ "$waited" -ge 100 ]; do nap; done
  if there "$gate/cancelled"; then say cancelled; else say too-late; fi
else
  refuse no-room
fi
