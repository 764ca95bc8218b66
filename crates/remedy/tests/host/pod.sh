# Makes a host out of namespaces and runs one test in it. Arguments: test program, name of the test, tools, user.
set -eu
program=$1 name=$2 tools=$3 user=$4
shell=$(command -v "${tools%%-*}") && [ -n "$(command -v busybox)" ] || {
  echo "${tools%%-*} or busybox is missing: run tests/install" >&2
  exit 1
}
mount -t tmpfs -o mode=755 tmpfs /run
touch /run/program
mount --bind "$program" /run/program
mkdir -m 700 /run/home
chown 65534:65534 /run/home
sed 's,^nobody:.*,nobody:x:65534:65534::/run/home:/bin/sh,' /etc/passwd >/run/passwd
mount --bind /run/passwd /etc/passwd
mount -t tmpfs -o mode=755 tmpfs /var/lib
mount -t tmpfs -o mode=1777,size=128m tmpfs /tmp
case $tools in
  busybox*)
    mkdir /run/tools
    cp "$shell" /run/tools/busybox
    if [ "$tools" = busybox-bare ]; then
      cp "$(command -v openssl)" /run/tools/openssl
    fi
    /run/tools/busybox --install -s /run/tools
    if [ "$tools" = busybox-bare ]; then
      rm /run/tools/timeout /run/tools/sha256sum
    fi
    mount --bind /run/tools/busybox "$(readlink -f /bin/sh)"
    # The hidden programs are dash and its like; from here on only those of busybox are there.
    for dir in /usr/local/bin /usr/local/sbin /usr/sbin /usr/bin; do
      mount --bind /run/tools "$dir"
    done
    ;;
  *) mount --bind "$shell" "$(readlink -f /bin/sh)" ;;
esac
# This shell stays the first process and takes in the orphans.
export WATCHKEEPER_POD="$tools $user"
if [ "$user" = root ]; then
  /run/program --exact "$name" --nocapture --test-threads=1
else
  setpriv --reuid=65534 --regid=65534 --clear-groups /run/program --exact "$name" --nocapture --test-threads=1
fi
exit
