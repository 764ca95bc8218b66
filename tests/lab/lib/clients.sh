# shellcheck shell=bash disable=SC2154
# What clients ask: which hosts there are, and how to reach them. Keys are those from before any fault.

list() {
  local host
  for host in $(hosts); do
    use_host "$host"
    if [[ ${1:-} == --json ]]; then
      jq -nc --arg name "$name" --arg address "$addr" --arg state "$(state)" '$ARGS.named'
    else
      printf '%-20s %-14s %s\n' "$name" "$addr" "$(state)"
    fi
  done | if [[ ${1:-} == --json ]]; then jq -s .; else cat; fi
}

host_key() { cut -d' ' -f1,2 "$dir/host_key.pub"; }

inventory() {
  local host names=("$@")
  (($#)) || mapfile -t names < <(hosts)
  for host in "${names[@]}"; do
    use_host "$host"
    jq -nc --arg name "$name" --arg address "$addr" --argjson port 22 --arg user ops --arg key "$lab/key" \
      --arg host_key "$(host_key)" '$ARGS.named'
  done | jq -s '{hosts: .}'
}

known_hosts() {
  local host
  for host in $(hosts); do
    use_host "$host"
    echo "$name,$addr $(host_key)"
  done
}

ssh_config() {
  local host
  [[ $(hosts) ]] || return 0
  for host in $(hosts); do
    use_host "$host"
    printf 'Host %s\n  HostName %s\n' "$name" "$addr"
  done
  printf '%s\n' "Host $(hosts | paste -sd' ')" '  User ops' "  IdentityFile $lab/key" '  IdentitiesOnly yes' \
    "  UserKnownHostsFile $run/known_hosts" '  GlobalKnownHostsFile none' '  StrictHostKeyChecking yes' \
    '  BatchMode yes' '  ConnectTimeout 10'
}

# Files that clients can name; replaced whole, since somebody may be reading. Call only inside `locked`.
write_client_files() {
  local file
  for file in known_hosts ssh_config; do
    "$file" >"$run/$file.new"
    mv "$run/$file.new" "$run/$file"
  done
}

remote() {
  local user=ops host=${1:-}
  [[ $host != *@* ]] || user=${host%@*} host=${host#*@}
  use_host "$host"
  exec ssh -F "$run/ssh_config" -l "$user" "$host" "${@:2}"
}
