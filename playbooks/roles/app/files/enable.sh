# Enable the service units of the packages named as arguments, as the distribution's presets say; tell which changed.
for package in "$@"; do
    for unit in $(dpkg -L "$package" | sed -n 's|^\(/usr\)\{0,1\}/lib/systemd/system/\([^/@]*\.service\)$|\2|p' | sort -u); do
        [ "$(systemctl is-enabled "$unit" 2>/dev/null)" = disabled ] || continue
        systemctl --quiet preset "$unit"
        [ "$(systemctl is-enabled "$unit" 2>/dev/null)" != enabled ] || echo "enabled $unit"
    done
done
