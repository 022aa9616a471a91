# The beginning of a bake. Everything written here is removed by seal.sh.
if [ -d /run/systemd/system ]; then
    # A builder machine that runs: its own first boot must be over, and nothing else may use apt.
    if command -v cloud-init > /dev/null; then cloud-init status --wait > /dev/null || true; fi
    systemctl stop apt-daily.timer apt-daily-upgrade.timer apt-daily.service apt-daily-upgrade.service || true
    # It would leave the hour of this bake in the image, on its way out.
    systemctl stop phoenix-time-sync.timer systemd-timesyncd.service || true
fi

# No service starts while an image is made: both builders shall give the same files.
printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d

# A bake that is cut off is thrown away: nobody needs to wait for the disk.
printf 'force-unsafe-io\n' > /etc/dpkg/dpkg.cfg.d/phoenix-bake
cat > /etc/apt/apt.conf.d/99phoenix-bake << 'END'
Acquire::Languages "none";
Acquire::Retries "3";
DPkg::Lock::Timeout "120";
END
apt-get -qq --error-on=any update

# What sshd wants to judge its own configuration, and tools the modules that machines will have; gone with the seal.
if [ -x /usr/sbin/sshd ]; then
    mkdir -p /run/sshd
    for kind in ed25519 ecdsa "rsa -b 2048"; do
        key=/etc/ssh/ssh_host_${kind%% *}_key
        # shellcheck disable=SC2086 # kind and options
        [ -e "$key" ] || ssh-keygen -q -N '' -t $kind -f "$key"
    done
fi
for modules in /lib/modules/*; do
    if [ -d "$modules" ] && [ ! -e "/lib/modules/$(uname -r)" ]; then
        ln -s "${modules##*/}" "/lib/modules/$(uname -r)"
    fi
done
