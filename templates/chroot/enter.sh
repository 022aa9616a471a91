#!/bin/sh
# Runs a command beside a root file system that looks alive from inside: the playbook of a chroot bake.
# Whoever starts it gives it mount, process, host name and IPC namespaces of its own, so that every mount, and
# every process that a package may have started, is gone when this ends, however it ends.
#
# usage: enter.sh ROOT OVERLAY_OPTIONS APT_DIRECTORY COMMAND...
set -eu
umask 022
root=$1 overlay=$2 apt=$3
shift 3

mount -t overlay overlay -o "$overlay" "$root"

mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -o bind,ro "$root/proc/sys" "$root/proc/sys" # a playbook's sysctl belongs to the image, not to this kernel

mount -t tmpfs -o nosuid,mode=755 dev "$root/dev"
for node in null zero full random urandom tty; do
    : > "$root/dev/$node"
    mount --bind "/dev/$node" "$root/dev/$node"
done
ln -s /proc/self/fd "$root/dev/fd"
mkdir "$root/dev/shm" "$root/dev/pts"
mount -t tmpfs -o nosuid,nodev,mode=1777 shm "$root/dev/shm"
mount -t devpts -o nosuid,noexec,newinstance,ptmxmode=666,mode=620,gid=5 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"

mount -t tmpfs -o nosuid,nodev,mode=755 run "$root/run"
mount -t tmpfs -o nosuid,nodev,mode=1777 tmp "$root/tmp"
mkdir -m 1777 "$root/run/lock"

# The host's way to names, for the time of the bake.
if [ -f "$root/etc/resolv.conf" ] && [ ! -L "$root/etc/resolv.conf" ]; then
    mount --bind /etc/resolv.conf "$root/etc/resolv.conf"
fi

# Packages and indexes that earlier bakes fetched. Below the mounts both directories are what they are in every
# sealed image: empty, and the indexes' without a date, so that a machine fetches before it installs.
find "$root/var/cache/apt/archives" "$root/var/lib/apt/lists" -xdev -mindepth 1 -delete
touch --date=@0 "$root/var/lib/apt/lists"
mount --bind "$apt/archives" "$root/var/cache/apt/archives"
mount --bind "$apt/lists" "$root/var/lib/apt/lists"

: > "$apt/entered" # from here on what fails is the command
"$@"
