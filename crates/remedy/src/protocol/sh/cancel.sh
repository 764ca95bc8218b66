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
elif there "$gate/cancelled"; then
  say cancelled
elif there "$gate"; then
  say too-late
else
  refuse no-room
fi
