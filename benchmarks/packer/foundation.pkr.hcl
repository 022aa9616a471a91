# foundation/nodejs as a person who knows Packer would bake it by hand on top of an OS image of phoenix's.
# Packer 1.6.6 (Debian) and later.

variable "image" {
  type        = string
  description = "The directory of the OS image: disk.raw, vmlinuz, initrd."
}

variable "playbook" {
  type = string
}

variable "accelerator" {
  type        = string
  description = "kvm or tcg."
}

variable "seed" {
  type        = string
  description = "A volume labelled cidata whose user-data lets the builder's key in."
}

variable "key" {
  type = string
}

variable "ansible" {
  type        = string
  description = "The path of ansible-playbook."
}

variable "output" {
  type = string
}

locals {
  cpu = var.accelerator == "kvm" ? "host" : "qemu64"
}

source "qemu" "nodejs" {
  iso_url          = "${var.image}/disk.raw"
  iso_checksum     = "none"
  disk_image       = true
  use_backing_file = true
  qemu_img_args {
    create = ["-F", "raw"]
  }
  format           = "qcow2"
  skip_compaction  = true
  output_directory = var.output
  vm_name          = "disk.qcow2"

  accelerator  = var.accelerator
  machine_type = "q35"
  memory       = 1024
  headless     = true
  boot_wait    = "-1s"
  qemuargs = [
    ["-cpu", local.cpu],
    ["-smp", "2"],
    ["-kernel", "${var.image}/vmlinuz"],
    ["-initrd", "${var.image}/initrd"],
    ["-append", "console=ttyS0 root=/dev/vda rw quiet mitigations=off"],
    ["-drive", "file=${var.output}/disk.qcow2,if=virtio,cache=unsafe,format=qcow2"],
    ["-drive", "file=${var.seed},if=virtio,format=raw,readonly=on"],
    ["-device", "virtio-rng-pci"],
    ["-serial", "null"],
    ["-serial", "null"],
  ]

  ssh_username         = "root"
  ssh_private_key_file = var.key
  ssh_timeout          = "10m"
  shutdown_command     = "systemctl poweroff"
}

build {
  sources = ["source.qemu.nodejs"]

  provisioner "ansible" {
    command         = var.ansible
    playbook_file   = var.playbook
    user            = "root"
    use_proxy       = false
    extra_arguments = ["--extra-vars", "ansible_python_interpreter=/usr/bin/python3"]
  }
}
