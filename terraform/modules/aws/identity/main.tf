# Who machines are: one role for services' machines, one for builders. Each can do what is written here, and no more.

locals {
  roles = toset(["machine", "builder"])
  # Session Manager: builders are reached by nothing else, machines where somebody is to look inside.
  sessions = toset(var.sessions ? ["machine", "builder"] : ["builder"])
}

resource "aws_iam_role" "role" {
  for_each = local.roles

  name = "${var.name}-${each.key}"
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

resource "aws_iam_instance_profile" "profile" {
  for_each = local.roles

  name = "${var.name}-${each.key}"
  role = aws_iam_role.role[each.key].name
  tags = var.tags
}

resource "aws_iam_role_policy_attachment" "sessions" {
  for_each = local.sessions

  role       = aws_iam_role.role[each.key].name
  policy_arn = "arn:${var.partition}:iam::aws:policy/AmazonSSMManagedInstanceCore"
}

# Settings that are `aws-sm://NAME`: read by the machine when it boots.
resource "aws_iam_role_policy" "secrets" {
  count = length(var.secrets) > 0 ? 1 : 0

  name = "secrets"
  role = aws_iam_role.role["machine"].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "secretsmanager:GetSecretValue"
      Resource = sort(var.secrets)
    }]
  })
}
