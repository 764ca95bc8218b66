# Says how a step stands, and gives what it printed beyond the two offsets. Changes nothing.
read -r word id boot out err max wait nonce rest
check_header
check_id
for number in "$out" "$err" "$max" "$wait"; do check_number "$number"; done
find_boot
find_places
if there "$parent"; then private "$parent" || refuse parent; fi

# The keep's parent is looked at only where the gate does not say that the run used it.
at=$gate
kept=
look_for_keep() {
  if [ -e "$gate/keep" ]; then
    used=
    read -r used rest <"$gate/keep"
    if [ "$used" = keep ]; then kept=$keep; fi
  elif [ "$keep" != "$gate" ] && [ -d "$keep" ] && private "$keeps"; then
    kept=$keep
  fi
  at=${kept:-$gate}
}

ended() {
  look_for_keep
  for dir in "$gate" ${kept:+"$kept"}; do
    if [ -e "$dir/status" ]; then
      read -r end <"$dir/status"
      return 0
    fi
  done
  return 1
}

# running: the runner or the step itself lives.
running() {
  alive "$pid" "$start" && return 0
  pid='' start=''
  if [ -e "$gate/step" ]; then read -r pid start rest <"$gate/step"; fi
  alive "$pid" "$start"
}

starting() {
  set +f
  for file in "$parent/.in-$id-"*/who; do
    set -f
    pid=''
    if [ -e "$file" ]; then read -r pid start rest <"$file"; fi
    if alive "$pid" "$start"; then return 0; fi
  done
  set -f
  return 1
}

look() {
  end=
  look_for_keep
  if there "$gate/cancelled"; then state=cancelled
  elif there "$gate/wiped"; then state=wiped
  elif ended; then state='done'
  elif [ -e "$gate/who" ]; then
    read -r pid start wboot rest <"$gate/who"
    if [ "$wboot" != "$here" ]; then state=interrupted
    elif running; then state=running
    # It may have ended between the two looks.
    elif ended; then state='done'
    else state=died
    fi
  elif there "$gate"; then state=limbo
  elif [ -n "$kept" ]; then state=interrupted
  elif [ "$boot" != "$here" ]; then state=unknown
  elif starting; then state=starting
  # It may have passed from its stage through the gate between the two looks.
  elif there "$gate"; then look
  else state=absent
  fi
}

# size FILE: 0 where there is none.
size() {
  if [ -f "$1" ]; then echo $(($(wc -c <"$1"))); else echo 0; fi
}

# measure NAME OFFSET: sets count (what to send) and cut (where the front ends, if something is missing after it).
measure() {
  front=$(size "$at/$1")
  tail=$(size "$gate/$1.tail")
  cut=-
  if [ "$tail" -gt 0 ]; then cut=$front; fi
  count=$((front + tail - $2))
  if [ "$count" -lt 0 ]; then count=0; fi
  if [ "$count" -gt "$max" ]; then count=$max; fi
}

send() {
  if [ "$3" -gt 0 ]; then
    cat "$at/$1" "$gate/$1.tail" 2>/dev/null | tail -c "+$(($2 + 1))" | head -c "$3"
  fi
}

tenths=0
while :; do
  look
  measure out "$out"
  outs=$count outcut=$cut
  measure err "$err"
  errs=$count errcut=$cut
  case $state in running | starting | limbo) ;; *) break ;; esac
  if [ "$((outs + errs))" -gt 0 ] || [ "$tenths" -ge "$wait" ]; then break; fi
  if sleep 0.1 2>/dev/null; then tenths=$((tenths + 1)); else sleep 1 && tenths=$((tenths + 10)); fi
done

digest=
for file in "$gate/script" "$at/script"; do
  if [ -z "$digest" ] && [ -e "$file" ]; then digest=$(sum "$file"); fi
done
set -- $end
if [ $# -eq 8 ]; then end=$1:$2:$4:$6:$8; else end=-; fi
say "$state" "out=$outs" "err=$errs" "outcut=$outcut" "errcut=$errcut" "boot=$here" "digest=${digest:--}" "end=$end"
send out "$out" "$outs"
send err "$err" "$errs"
say end
