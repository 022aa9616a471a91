#!/bin/sh
# The first process of a machine that is baked. The kernel is this computer's, so settings that are not the machine's
# own are files of its own: what a recipe sets is kept for the image's boot, and changes nothing here. Then systemd.
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin
given=/run/phoenix-builder
kernel=/run/phoenix-kernel
own=/run/phoenix-sysctl

mkdir "$kernel" "$own"
mount --bind /proc/sys "$kernel"
mount -o remount,bind,rw,nosuid,nodev,noexec "$kernel"
cp -r --no-preserve=all "$given/sysctl/." "$own"
# The network is the machine's own. The kernel lacks some of the computer's names there, so these settings are files,
# too, which `bin/sysctl` hands on; directories of interfaces are the kernel's.
(cd "$kernel/net" && cp -r --no-preserve=all . "$own/net" 2> /dev/null) || true
cat "$kernel/kernel/random/uuid" > "$own/kernel/random/boot_id" # another one after every start
touch /run/phoenix-applied
mount --bind "$own" /proc/sys
for real in kernel/random/uuid net/ipv4/conf net/ipv4/neigh net/ipv6/conf net/ipv6/neigh; do
    [ ! -e "$kernel/$real" ] || mount --bind "$kernel/$real" "/proc/sys/$real"
done

pages=/sys/kernel/mm/transparent_hugepage
if [ -d "$pages" ]; then
    mkdir /run/phoenix-hugepages
    cp -r --no-preserve=all "$pages/." /run/phoenix-hugepages 2> /dev/null || true
    mount --bind /run/phoenix-hugepages "$pages"
fi

# What wants the kernel's own settings, audit or clock for itself does nothing here.
replace() {
    mkdir -p "/run/systemd/system/$1.service.d"
    printf '[Unit]\nConditionVirtualization=\nConditionCapability=\n[Service]\nPIDFile=\nExecStart=\n%s\n' "$2" \
        > "/run/systemd/system/$1.service.d/phoenix.conf"
}
replace systemd-sysctl "ExecStart=-$given/bin/sysctl --quiet --system" # it cuts what it overwrites, systemd's does not
replace auditd "$(printf 'Type=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\nExecStartPost=')"
for clock in systemd-timesyncd chrony ntpsec openntpd; do
    replace "$clock" "$(printf 'Type=exec\nExecStart=/bin/sleep infinity\nWatchdogSec=0')"
done

# The way to names that works here, where the image has another; the role `seal` puts back what no recipe replaced.
kept=/var/lib/phoenix-bake
names=/etc/resolv.conf
if [ -f "$names" ] && [ ! -L "$names" ] && [ ! -e "$kept" ] && ! cmp -s "$names" "$given/resolv.conf"; then
    mkdir "$kept"
    cp --preserve=all "$names" "$kept/image"
    cp "$given/resolv.conf" "$kept/bake"
    cat "$given/resolv.conf" > "$names"
fi

# Modules are looked for in the directory of the running kernel.
for modules in /lib/modules/*; do
    if [ -d "$modules" ] && [ ! -e "/lib/modules/$(uname -r)" ]; then
        ln -s "${modules##*/}" "/lib/modules/$(uname -r)"
    fi
done
exec /sbin/init
