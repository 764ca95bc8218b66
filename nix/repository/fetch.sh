# shellcheck shell=sh
# Fetches the repository with the NixOS configuration, and keeps its newest commit that can be read as Nix. What was
# kept before stays where anything is wrong; that is told in the journal, and as one issue that is resolved again when
# it is over. Nothing of the repository is evaluated or run: no hook, no submodule, no filter.
#
# From the environment: REPOSITORY_URL, REPOSITORY_BRANCH, REPOSITORY_DIR (kept/ and git/ lie there), REPOSITORY_WATCH
# (the program), and, in CREDENTIALS_DIRECTORY, `key` and `token` where there are some; REPOSITORY_KNOWN_HOSTS.
# shellcheck disable=SC2016,SC2015 # What git's own shell is to read stands in single quotes; `tell` never returns.
set -u
umask 027
cd "$REPOSITORY_DIR" || exit 1
issue=$REPOSITORY_DIR/issue

# What is said of a repository is a stranger's: one line, without what a terminal would obey, and without the token.
plain() { tr -c '[:print:]\n' '?' | tail -n 3 | tr '\n' ' ' | sed 's#//[^/@ ]*@#//***@#g' | cut -c 1-400; }

# tell WHAT DETAIL: in the journal each time; as an issue once, until it is something else.
tell() {
  printf '%s: %s\n' "$1" "$2" >&2
  if [ -e "$issue" ]; then
    read -r number <"$issue"
    [ "$(sed 1d "$issue")" = "$1" ] && exit 1
    "$REPOSITORY_WATCH" issues note "$number" "$1: $2" >/dev/null || exit 1
    printf '%s\n%s\n' "$number" "$1" >"$issue"
    exit 1
  fi
  said=$("$REPOSITORY_WATCH" issues create "$1" --severity warning --note "$2; what was read before stays in use") || exit 1
  # "issue 7 is open"
  number=${said#issue }
  printf '%s\n%s\n' "${number%% *}" "$1" >"$issue"
  exit 1
}

well() {
  [ -e "$issue" ] || return 0
  read -r number <"$issue"
  # Where a person was faster, there is nothing left to resolve.
  "$REPOSITORY_WATCH" issues resolve "$number" --note "the repository is read again" >/dev/null || true
  rm -f "$issue"
}

ssh='ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=20'
ssh="$ssh -o UserKnownHostsFile=${REPOSITORY_KNOWN_HOSTS:-/dev/null} -o GlobalKnownHostsFile=/etc/ssh/ssh_known_hosts"
secrets=${CREDENTIALS_DIRECTORY:-/nonexistent}
if [ -e "$secrets/key" ]; then ssh="$ssh -o IdentitiesOnly=yes -i $secrets/key"; fi
export GIT_SSH_COMMAND="$ssh" GIT_TERMINAL_PROMPT=0 GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null LC_ALL=C
# The token goes from its file to git, and stands on no command line.
if [ -e "$secrets/token" ]; then
  export REPOSITORY_TOKEN_FILE="$secrets/token"
  helper='!f() { echo username=token; printf password=; cat "$REPOSITORY_TOKEN_FILE"; echo; }; f'
else
  helper=
fi
git() { timeout 300 git -c core.hooksPath=/dev/null -c credential.helper= -c "credential.helper=$helper" -c protocol.ext.allow=never "$@"; }

if [ ! -d git ]; then
  git init -q --bare git.new && mv git.new git || tell "the configuration repository cannot be kept" "no room in $REPOSITORY_DIR"
fi
said=$(git -C git fetch -q --depth 1 --no-tags --no-recurse-submodules "$REPOSITORY_URL" \
  "+refs/heads/$REPOSITORY_BRANCH:refs/heads/fetched" 2>&1) ||
  tell "the configuration repository cannot be fetched" "branch $REPOSITORY_BRANCH: $(printf '%s' "$said" | plain)"
commit=$(git -C git rev-parse --short=12 fetched) || tell "the configuration repository cannot be read" "no commit"
if [ "$(cat kept/.commit 2>/dev/null)" = "$commit" ]; then
  well
  exit 0
fi

rm -rf next && mkdir next
# No link is laid out: one could lead anywhere.
said=$({ git -C git archive --format=tar fetched | tar -x -C next --no-same-owner --no-same-permissions; } 2>&1) ||
  tell "the configuration repository cannot be laid out" "commit $commit: $(printf '%s' "$said" | plain)"
find next -type l -delete
if ! said=$(NIX_REMOTE=dummy:// find next -type f -name '*.nix' -exec nix-instantiate --parse {} + 2>&1 >/dev/null); then
  rm -rf next
  said=$(printf '%s\n' "$said" | grep -E '^ *(error:|at )' | sed "s#$REPOSITORY_DIR/next/##g")
  tell "the newest commit of the configuration repository cannot be read as Nix" "commit $commit: $(printf '%s' "$said" | plain)"
fi
printf '%s\n' "$commit" >next/.commit
rm -rf before
if [ -d kept ]; then mv kept before; fi
mv next kept
rm -rf before
printf 'commit %s of %s is kept\n' "$commit" "$REPOSITORY_BRANCH"
well
