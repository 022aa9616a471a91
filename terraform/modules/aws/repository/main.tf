# The package repository: a machine with a disk of its own for aptly's files, which nginx shows inside the network; and a
# bucket for the packages before they are published, and for copies of the repository. Phoenix publishes on the machine.

resource "aws_s3_bucket" "packages" {
  bucket_prefix = "${var.name}-packages-"
  force_destroy = false
  tags          = var.tags
}

resource "aws_s3_bucket_versioning" "packages" {
  bucket = aws_s3_bucket.packages.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "packages" {
  bucket = aws_s3_bucket.packages.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "packages" {
  bucket = aws_s3_bucket.packages.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

locals {
  encrypted_on_the_way = [{
    Sid       = "EncryptedOnTheWay"
    Effect    = "Deny"
    Principal = "*"
    Action    = "s3:*"
    Resource  = [aws_s3_bucket.packages.arn, "${aws_s3_bucket.packages.arn}/*"]
    Condition = { Bool = { "aws:SecureTransport" = "false" } }
  }]
  for_readers = [{
    Sid       = "Readers"
    Effect    = "Allow"
    Principal = { AWS = sort(var.readers) }
    Action    = ["s3:GetObject", "s3:ListBucket"]
    Resource  = [aws_s3_bucket.packages.arn, "${aws_s3_bucket.packages.arn}/*"]
  }]
}

resource "aws_s3_bucket_policy" "packages" {
  bucket = aws_s3_bucket.packages.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local.encrypted_on_the_way, [for statement in local.for_readers : statement if length(var.readers) > 0])
  })

  depends_on = [aws_s3_bucket_public_access_block.packages]
}

resource "aws_iam_role" "repository" {
  name = "${var.name}-repository"
  tags = var.tags
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ec2.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "packages" {
  name = "packages"
  role = aws_iam_role.repository.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
        Resource = "${aws_s3_bucket.packages.arn}/*"
      },
      { Effect = "Allow", Action = ["s3:ListBucket"], Resource = aws_s3_bucket.packages.arn },
    ]
  })
}

resource "aws_iam_role_policy_attachment" "sessions" {
  role       = aws_iam_role.repository.name
  policy_arn = "arn:${var.partition}:iam::aws:policy/AmazonSSMManagedInstanceCore"
}

resource "aws_iam_instance_profile" "repository" {
  name = "${var.name}-repository"
  role = aws_iam_role.repository.name
  tags = var.tags
}

locals {
  # https://docs.aws.amazon.com/systems-manager/latest/userguide/agent-install-deb.html
  agent  = "https://s3.${var.region}.amazonaws.com/amazon-ssm-${var.region}/latest/debian_amd64/amazon-ssm-agent.deb"
  device = "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${replace(aws_ebs_volume.repository.id, "-", "")}"
}

data "aws_ami" "debian" {
  most_recent = true
  owners      = ["136693071363"] # Debian's own

  filter {
    name   = "name"
    values = ["debian-12-amd64-*"]
  }
}

resource "aws_instance" "repository" {
  ami                    = data.aws_ami.debian.id
  instance_type          = var.type
  subnet_id              = var.subnet
  vpc_security_group_ids = [var.firewall]
  iam_instance_profile   = aws_iam_instance_profile.repository.name
  user_data              = templatefile("${path.module}/serve.sh.tftpl", { agent = local.agent, device = local.device })
  tags                   = merge(var.tags, { Name = "${var.name}-repository" })

  metadata_options {
    http_endpoint = "enabled"
    http_tokens   = "required"
  }

  root_block_device {
    encrypted   = true
    volume_type = "gp3"
  }

  lifecycle {
    # Debian's next image, or another script, is no reason to make the machine anew: `terraform apply -replace` does.
    ignore_changes = [ami, user_data]
  }
}

resource "aws_ebs_volume" "repository" {
  availability_zone = var.zone
  size              = var.disk
  type              = "gp3"
  encrypted         = true
  tags              = merge(var.tags, { Name = "${var.name}-repository" })

  lifecycle {
    prevent_destroy = false # set it once packages that matter lie there
  }
}

resource "aws_volume_attachment" "repository" {
  device_name = "/dev/sdf"
  volume_id   = aws_ebs_volume.repository.id
  instance_id = aws_instance.repository.id
}

resource "aws_route53_zone" "internal" {
  name = var.domain
  tags = var.tags

  vpc {
    vpc_id = var.vpc
  }
}

resource "aws_route53_record" "repository" {
  zone_id = aws_route53_zone.internal.zone_id
  name    = "apt.${var.domain}"
  type    = "A"
  ttl     = 60
  records = [aws_instance.repository.private_ip]
}
