# shellcheck shell=sh
# Has what was fetched read into what is known. Files that hold secrets are refused by the watch and named here, in the
# journal and as one issue; the rest of the repository is read all the same. Where nothing can be read, that is told in
# the same way, and what was read before stays.
#
# From the environment: REPOSITORY_DIR (kept/ lies there), REPOSITORY_INDEX_DIR (its own), REPOSITORY_WATCH.
set -u
[ -d "$REPOSITORY_DIR/kept" ] || { echo 'nothing has been fetched yet' >&2; exit 0; }
issue=$REPOSITORY_INDEX_DIR/issue
said=$REPOSITORY_INDEX_DIR/said
plain() { tr -c '[:print:]\n' '?' | head -n 20 | cut -c 1-200; }
status=0
if answer=$("$REPOSITORY_WATCH" configs index --repo "$REPOSITORY_DIR/kept" --output json 2>"$said"); then
  printf '%s' "$answer" | jq -r '"\(.files) files are known"'
  refused=$(printf '%s' "$answer" | jq -r '.refused[] | "\(.path): \(.why)"' | plain)
else
  status=1
  refused="nothing is read, and what was read before stays: $(head -n 1 "$said" | plain)"
fi
title='files of the configuration repository are not read'
if [ -z "$refused" ]; then
  [ -e "$issue" ] || exit 0
  read -r number <"$issue"
  "$REPOSITORY_WATCH" issues resolve "$number" --note 'every file of the repository is read' >/dev/null || true
  rm -f "$issue"
  exit 0
fi
printf '%s\n' "$refused" >&2
if [ -e "$issue" ]; then
  read -r number <"$issue"
  [ "$(sed 1d "$issue")" = "$refused" ] && exit "$status"
  "$REPOSITORY_WATCH" issues note "$number" "$refused" >/dev/null || exit 1
else
  answer=$("$REPOSITORY_WATCH" issues create "$title" --severity warning --note "$refused") || exit 1
  # "issue 7 is open"
  number=${answer#issue }
  number=${number%% *}
fi
printf '%s\n%s\n' "$number" "$refused" >"$issue"
exit "$status"
