# Who works with phoenix: the policies that `phoenix doctor --policy` prints, and a role that has them.
# The files in `policies/` are what it prints; a test of phoenix's own holds them against it.

locals {
  policies = {
    for work in ["bake", "roll", "tend"] : work => templatefile("${path.module}/policies/${work}.json", {
      project = var.project
      roles   = join("\", \"", sort(lookup(var.passed, work, [])))
    })
  }
}

resource "aws_iam_policy" "work" {
  for_each = local.policies

  name        = "${var.name}-${each.key}"
  description = "phoenix: to ${each.key}"
  policy      = each.value
  tags        = var.tags
}

# The state: locks, journals, records, and Terraform's own.
resource "aws_iam_policy" "state" {
  name        = "${var.name}-state"
  description = "phoenix: its state"
  tags        = var.tags
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], Resource = "${var.state}/*" },
      { Effect = "Allow", Action = ["s3:ListBucket"], Resource = var.state },
    ]
  })
}

resource "aws_iam_role" "phoenix" {
  name                 = "${var.name}-phoenix"
  max_session_duration = 14400
  tags                 = var.tags
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { AWS = sort(concat(tolist(var.operators), values(var.machines))) }
    }]
  })
}

locals {
  given = merge({ for work, policy in aws_iam_policy.work : work => policy.arn }, { state = aws_iam_policy.state.arn })
}

resource "aws_iam_role_policy_attachment" "phoenix" {
  for_each = local.given

  role       = aws_iam_role.phoenix.name
  policy_arn = each.value
}
