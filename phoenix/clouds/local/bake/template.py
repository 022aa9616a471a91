"""What Packer makes images of the local cloud from: a QEMU machine that boots the layer below."""

from __future__ import annotations

from phoenix.clouds.api import Template


def template() -> Template:
    """The template. Where the files of a bake lie is known to its builder alone."""
    return Template(
        file="packer/local.pkr.hcl.j2",
        plugin="qemu",
        variables=dict.fromkeys(("parent_disk", "vmlinuz", "initrd", "seed", "output_directory")),
        stand_ins={
            "parent_disk": "fill-in/disk.raw",
            "vmlinuz": "fill-in/vmlinuz",
            "initrd": "fill-in/initrd",
            "seed": "fill-in/seed.iso",
            "output_directory": "output",
        },
    )
