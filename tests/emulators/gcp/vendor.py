"""The vendor's image: a Debian 12 with Google's guest agent and sshd, for what debian-cloud publishes as `debian-12`.

The agent is Debian's package of it, with its own units: at every boot it makes users of the metadata's `ssh-keys` and
runs its `startup-script`.
"""

from __future__ import annotations

from tests.emulators.machines.debian import FILES, Vendor

IMAGE = Vendor(
    name="gcp",
    packages=("google-guest-agent", "python3"),
    files={
        "etc/hosts": FILES["etc/hosts"] + "169.254.169.254 metadata.google.internal  # Added by Google\n",
        "etc/default/instance_configs.cfg": """\
[Daemons]
clock_skew_daemon = false

[InstanceSetup]
host_key_types = ecdsa,ed25519
set_boto_config = false
""",
    },
)
"""Keys of RSA take too long; the clock is this computer's, and nobody may set it."""
