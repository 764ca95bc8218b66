# Enters the simulated host: a mount namespace of this command's own, in which the host's /run, /var/lib and /var/log,
# its boot id and its tools stand where the machine's own stood. Arguments: directory, command.
dir=$1 command=$2
mount --bind "$dir/root/run" /run || exit 255
mount --bind "$dir/root/lib" /var/lib || exit 255
mount --bind "$dir/root/log" /var/log || exit 255
mount --bind "$dir/state/boot_id" /proc/sys/kernel/random/boot_id || exit 255
for tool in "$dir"/bin/* "$dir"/lacking/*; do
    for place in /usr/local/bin /usr/sbin /usr/bin; do
        [ ! -e "$place/${tool##*/}" ] || [ ! -e "$tool" ] || mount --bind "$tool" "$place/${tool##*/}" || exit 255
    done
done
exec setsid sh -c "$command"
