"""Images, disks, instances, templates, and what a project has from the start."""
