# What both packages are made of. Sourced by packaging/build-deb and packaging/tarball, which set `root`.
# shellcheck shell=bash

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$*"; exit 1; }

# What Cargo.toml says of the package, as JSON.
metadata() {
  # shellcheck disable=SC2154
  cargo metadata --manifest-path "$root/crates/cli/Cargo.toml" --no-deps --offline --locked --format-version 1 |
    jq '.packages[] | select(.name == "watchkeeper-cli")'
}

# The time that stands in everything: of the commit, so that the same sources make the same package.
source_date() {
  echo "${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct 2>/dev/null || date +%s)}"
}

# told BINARY DIR: what the program says of itself: manual and completions.
told() {
  "$1" man "$2/man" >/dev/null
  mkdir -p "$2/completions"
  "$1" completions bash >"$2/completions/watchkeeper"
  "$1" completions zsh >"$2/completions/_watchkeeper"
  "$1" completions fish >"$2/completions/watchkeeper.fish"
}
