"""The vendor's AMI: a Debian 12 with cloud-init and sshd, for what 136693071363 publishes as `debian-12-amd64-*`."""

from __future__ import annotations

from tests.emulators.machines.debian import Vendor

AMI = Vendor(
    name="aws",
    packages=("cloud-init",),
    files={
        "etc/cloud/cloud.cfg.d/01_debian_cloud.cfg": """\
datasource_list: [ Ec2 ]
datasource: {Ec2: {metadata_urls: ["http://169.254.169.254"]}}
locale: C.UTF-8
manage_etc_hosts: true
network: {config: disabled}
ssh_genkeytypes: [ed25519, ecdsa]
system_info:
  default_user:
    name: admin
    gecos: Debian
    lock_passwd: true
    shell: /bin/bash
    sudo: ["ALL=(ALL) NOPASSWD:ALL"]
""",
    },
)
"""Its user is `admin`, and it has one data source. Keys of RSA take too long."""
