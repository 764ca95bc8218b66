# shellcheck shell=bash disable=SC2154
# Breaking, mending and measuring. A fault is a line of words (`kind`, in faults/*.sh) and three functions:
# KIND.break and KIND.mend do what they say, KIND.holds tells whether it is so now, whoever broke or mended it.

kinds=()
declare -A kind_where kind_arguments kind_what kind_sees

# kind NAME WHERE ARGUMENTS WHAT SEES. WHERE is `outside` when it is done and measured without the host's help, else
# `inside`.
kind() {
  kinds+=("$1")
  kind_where[$1]=$2 kind_arguments[$1]=$3 kind_what[$1]=$4 kind_sees[$1]=$5
}

for file in "$here"/faults/*.sh; do
  # shellcheck source=/dev/null
  . "$file"
done

check_kind() { [[ ${1:-} && ${kind_where[$1]:-} ]] || die "no fault '${1:-}' ('lab faults' lists them)"; }
arguments_of() { cat "$dir/faults/$1" 2>/dev/null || true; }

fault() {
  use_host "${1:-}"
  check_kind "${2:-}"
  local status
  set +e # And yet on within: after `||` it would be off there as well.
  (set -e; "$2.break" "${@:3}" >/dev/null)
  status=$?
  set -e
  ((status == 0)) || die "$name: cannot apply $2"
  echo "${*:3}" >"$dir/faults/$2"
}

heal() {
  use_host "${1:-}"
  local each
  for each in "${@:2}"; do
    check_kind "$each"
    mend "$each"
  done
  (($# > 1)) || heal_all
}

# From outside first, since the others need a host that runs. Where one fault keeps another from being mended, its
# turn comes in a later round.
heal_all() {
  local each round present
  for each in "${kinds[@]}"; do
    [[ ${kind_where[$each]} == inside ]] || mend "$each"
  done
  for ((round = 0; round < 3; round++)); do
    present=$(wrong; ls "$dir/faults")
    [[ $present ]] || return 0
    for each in "${kinds[@]}"; do
      if grep -qx -- "$each" <<<"$present"; then
        (mend "$each") 2>>"$dir/heal.log" || true
      fi
    done
  done
  present=$(wrong | paste -sd' ')
  [[ ! $present ]] || die "$name: cannot heal $present (see $dir/heal.log)"
}

mend() {
  local arguments
  read -ra arguments <<<"$(arguments_of "$1")"
  "$1.mend" "${arguments[@]}" >/dev/null || return
  rm -f "$dir/faults/$1"
}

# The kinds that hold now.
wrong() {
  local each arguments looks=''
  if running && ! frozen && (booted); then looks=yes; fi
  for each in "${kinds[@]}"; do
    [[ $looks || ${kind_where[$each]} == outside ]] || continue
    read -ra arguments <<<"$(arguments_of "$each")"
    ("$each.holds" "${arguments[@]}") &>/dev/null && echo "$each"
  done
  return 0
}

truth() {
  use_host "${1:-}"
  local applied file
  applied=$(for file in "$dir"/faults/*; do
    jq -nc --arg kind "${file##*/}" --arg args "$(<"$file")" --arg since "$(date -Is -r "$file")" '$ARGS.named'
  done | jq -sc .)
  jq -n --arg host "$name" --arg state "$(state)" --argjson applied "$applied" \
    --argjson wrong "$(wrong | jq -Rn '[inputs]')" --argjson facts "$(facts)" '$ARGS.named'
}

# Numbers as the host sees them.
facts() {
  local pid
  find_pid1
  if [[ ! $pid ]] || frozen; then echo '{}'; return; fi
  # shellcheck disable=SC2016
  in_sh '
    percent() { df --output="$1" "$2" | tail -n1 | tr -dc 0-9; }
    echo "root_percent $(percent pcent /)"
    echo "root_inodes_percent $(percent ipcent /)"
    echo "data_percent $(percent pcent /srv/data)"
    echo "load1 $(cut -d" " -f1 /proc/loadavg)"
    echo "memory_available_percent $(awk "/^MemTotal/ { t = \$2 } /^MemAvailable/ { a = \$2 } END { print int(100 * a / t) }" /proc/meminfo)"
    echo "uptime_s $(cut -d. -f1 /proc/uptime)"
    systemctl list-units --failed --plain --no-legend | sed "s/^\([^ ]*\).*/failed \1/"' |
    jq -Rn '[inputs | split(" ")]
      | (map(select(.[0] != "failed") | {(.[0]): (.[1] | tonumber)}) | add)
      + {failed_units: map(select(.[0] == "failed") | .[1])}'
}

faults() {
  local each
  for each in "${kinds[@]}"; do
    if [[ ${1:-} == --json ]]; then
      jq -nc --arg kind "$each" --arg where "${kind_where[$each]}" --arg args "${kind_arguments[$each]}" \
        --arg what "${kind_what[$each]}" --arg sees "${kind_sees[$each]}" '$ARGS.named'
    else
      printf '%-16s %-13s %s\n%33s %s\n' "$each" "${kind_arguments[$each]}" "${kind_what[$each]}" '->' "${kind_sees[$each]}"
    fi
  done | if [[ ${1:-} == --json ]]; then jq -s .; else cat; fi
}
