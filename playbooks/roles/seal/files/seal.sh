# The end of a bake: what belongs to one machine, or to the bake itself, goes. Tells what it changed.
# What is mounted belongs to the builder (a shared package cache, say) and stays.

remove() {
    for path in "$@"; do
        if [ -e "$path" ] || [ -L "$path" ]; then
            rm -rf -- "$path"
            echo "removed $path"
        fi
    done
}

# What is in a directory; the directory itself stays.
remove_inside() {
    for directory in "$@"; do
        [ -d "$directory" ] || continue
        ! mountpoint -q "$directory" || continue
        find "$directory" -xdev -mindepth 1 -delete -printf 'removed %p\n'
    done
}

# What the bake was done with (unseal.sh, and the repositories as this builder reaches them).
remove /usr/sbin/policy-rc.d /etc/dpkg/dpkg.cfg.d/phoenix-bake /etc/apt/apt.conf.d/99phoenix-bake
remove /etc/apt/sources.list.d/phoenix-*.sources
if [ -e /var/lib/phoenix-bake ]; then
    if cmp -s /etc/resolv.conf /var/lib/phoenix-bake/bake; then
        cp --preserve=all /var/lib/phoenix-bake/image /etc/resolv.conf
        echo "put /etc/resolv.conf back"
    fi
    remove /var/lib/phoenix-bake
fi
for keys in /root/.ssh/authorized_keys /home/*/.ssh/authorized_keys; do
    if grep -qs ' \(packer_[^ ]*\|phoenix-builder\)$' "$keys"; then
        sed -i '/ \(packer_[^ ]*\|phoenix-builder\)$/d' "$keys"
        echo "took the builder's key out of $keys"
        if [ ! -s "$keys" ]; then rm -- "$keys"; fi
    fi
    # Empty it says nothing, and both builders shall give the same files; the recipe's own keys keep it.
    if rmdir -- "${keys%/*}" 2> /dev/null; then echo "removed ${keys%/*}"; fi
done
for home in /root /home/*; do
    remove "$home/.ansible" "$home/.cache" "$home/.npm" "$home/.bash_history" "$home/.sudo_as_admin_successful"
done

# The running kernel's name for the modules of the image's.
[ ! -L "/lib/modules/$(uname -r)" ] || remove "/lib/modules/$(uname -r)"

# Caches. An index directory without a date: a bake that stands on this image must not take it for a fresh one.
remove_inside /var/cache/apt/archives /var/lib/apt/lists
remove /var/cache/apt/*.bin /var/lib/apt/periodic/update-success-stamp /var/cache/ldconfig/aux-cache
remove /var/cache/debconf/*-old /var/lib/dpkg/*-old
mountpoint -q /var/lib/apt/lists || touch --date=@0 /var/lib/apt/lists

# Who this machine was.
if command -v cloud-init > /dev/null; then remove_inside /var/lib/cloud; fi
if [ -s /etc/machine-id ] || [ ! -e /etc/machine-id ]; then
    : > /etc/machine-id
    echo "emptied /etc/machine-id"
fi
[ -L /var/lib/dbus/machine-id ] || remove /var/lib/dbus/machine-id
remove /etc/ssh/ssh_host_* /etc/docker/key.json /var/lib/docker/engine-id
remove /var/lib/systemd/random-seed /var/lib/systemd/credential.secret /var/lib/systemd/timesync
remove /var/lib/dhcp/*.leases /var/lib/systemd/timers/stamp-*

# What it said. The directories stay, services want theirs.
remove_inside /var/log/journal
case $(ls -ld /var/log/journal 2> /dev/null) in
    ??????????+*) # an access list, which every boot gives it
        mode=$(stat -c %a /var/log/journal) owner=$(stat -c %u:%g /var/log/journal)
        rmdir /var/log/journal
        mkdir /var/log/journal
        chown "$owner" /var/log/journal
        chmod "$mode" /var/log/journal
        echo "took the access list from /var/log/journal"
        ;;
esac
find /var/log -xdev -type f -delete -printf 'removed %p\n'
remove_inside /tmp /var/tmp
