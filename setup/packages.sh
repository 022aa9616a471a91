#!/bin/bash
# Install the Debian packages given as arguments, without starting any service. The only part of the set-up run as root.
set -euo pipefail

policy=/usr/sbin/policy-rc.d
export DEBIAN_FRONTEND=noninteractive

# Quiet unless it fails, then its last words. Another apt at work is waited for.
apt() {
    local output
    output=$(apt-get -qq --yes -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@" 2>&1) || {
        tail -n 20 <<<"$output" >&2
        return 1
    }
}

# Debian starts a package's service as it is installed; exit code 101 of this file forbids it.
# A host that has a policy of its own (most containers) keeps it.
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi

# apt's lists are fetched only where they lack a package, or name files that the mirror no longer has.
if ! apt install --no-install-recommends --download-only "$@" 2>/dev/null; then
    apt update
fi
apt install --no-install-recommends "$@"

# ... and would start it at every boot. phoenix runs HAProxy for itself, one per service.
if [[ " $* " == *" haproxy "* ]]; then
    update-rc.d haproxy disable >/dev/null
    echo "setup: Debian's own haproxy service is switched off; phoenix does not need it (update-rc.d haproxy enable)"
fi
