# shellcheck shell=sh
# The only way to root for the account that the watch logs in as: sudo finds this text in the place of `sh`, for that
# account alone, and it runs what it knows and nothing else. POSIX sh and no more.
#
# What the watch asks of a host as root is always `sh -c OUTER watchkeeper INNER watchkeeper MARK SECONDS sh -c TEXT
# watchkeeper …`: OUTER and INNER keep time and say how it ended, TEXT is one of the constant texts of the run protocol
# or the look. They must be the ones in $texts, byte for byte. What a step does comes by standard input, and its SHA-256
# must stand in $steps: so a step runs here only if its exact text is one that this host's configuration allows,
# whatever the watch, its model or whoever has its key may say.
#
# Set above by who installs it: texts (a directory), steps (a file), look (yes or no), system_path, and PATH with
# coreutils and grep.
# shellcheck disable=SC2154,SC2015 # The names set above are not assigned here; `refuse` never returns.
set -f
unset IFS
LC_ALL=C
export LC_ALL

# The word `sudo` tells the watch that it was refused, and did not fail.
refuse() {
  printf 'sudo: %s\n' "$1" >&2
  exit 1
}
[ "$#" -ge 11 ] || refuse 'this account may run the steps of the watch, and nothing else'

# same NAME TEXT: byte for byte. A shell drops line ends at the end of what it reads, so a full stop stands after both.
same() { [ "$(cat "$texts/$1" && echo .)" = "$2." ]; }
matches() { case $1 in '' | *[!$2]*) return 1 ;; esac }

[ "$1" = -c ] && [ "$3" = watchkeeper ] && [ "$5" = watchkeeper ] && [ "$8" = sh ] && [ "$9" = -c ] &&
  [ "${11}" = watchkeeper ] || refuse 'this account may run the steps of the watch, and nothing else'
matches "$6" 0-9a-f && [ "${#6}" -eq 32 ] || refuse 'the mark of the command is none'
matches "$7" 0-9 && [ "${#7}" -le 7 ] || refuse 'the time limit of the command is none'
same outer "$2" && same inner "$4" ||
  refuse 'the watch speaks another version of the protocol; bring both machines to the same one'

asked=
for text in start attach cancel wipe boot probe; do
  if same "$text" "${10}"; then asked=$text; fi
done
mark=$6

case $asked in
'') refuse 'this text is not one that the host knows: free looks as root are not allowed here, or the watch has another version' ;;
probe)
  [ "$look" = yes ] || refuse 'looks as root are not allowed here'
  n=0
  for word; do
    n=$((n + 1))
    case $n in
    ?|10|11) ;;
    12) matches "$word" 0-9a-f && [ "${#word}" -eq 32 ] || refuse 'the look is not well formed' ;;
    13) matches "$word" 0-9 && [ "${#word}" -le 7 ] || refuse 'the look is not well formed' ;;
    *) case $word in /*) ;; *) refuse 'a certificate is not an absolute path' ;; esac ;;
    esac
  done
  [ "$n" -ge 13 ] && [ "$n" -le 77 ] || refuse 'the look is not well formed'
  PATH=$system_path
  exec /bin/sh "$@" </dev/null
  ;;
esac
[ "$#" -eq 11 ] || refuse 'the request is not well formed'

# The request is read whole before anything is done with it, and what is looked at is what runs.
umask 077
request=$(mktemp /run/watchkeeper-request.XXXXXXXX) || refuse 'there is no room for the request'
trap 'rm -f "$request"' EXIT
trap 'exit 1' HUP INT TERM
timeout 60 head -c 2097152 >"$request" || refuse 'the request did not arrive'

if [ "$asked" = start ]; then
  read -r _ _ _ _ _ _ nonce _ <"$request" || refuse 'the request is not well formed'
  found=$(tail -n +2 "$request" | sha256sum)
  if ! grep -qx "${found%% *}" "$steps"; then
    matches "$nonce" 0-9a-f && [ "${#nonce}" -eq 32 ] || refuse 'the request is not well formed'
    # As the run protocol says no, and as its wrapper says that it is over.
    printf '@%s refused not-allowed\n' "$nonce"
    printf '@%s exit 0\n' "$mark" >&2
    exit 0
  fi
fi

exec <"$request"
rm -f "$request"
trap - EXIT HUP INT TERM
PATH=$system_path
exec /bin/sh "$@"
