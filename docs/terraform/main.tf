# The shape of ../cloudformation/foundation.yaml. What roles may do is read from ../iam.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  audience = data.aws_partition.current.partition == "aws-cn" ? "sts.amazonaws.com.cn" : "sts.amazonaws.com"
  provider = var.oidc_provider_arn == null ? aws_iam_openid_connect_provider.this[0].arn : var.oidc_provider_arn
  roles    = { for role, subjects in var.subjects : role => subjects if length(subjects) > 0 }
  groups   = var.create_groups ? var.functions : toset([])
  group    = var.deployment_group == null ? var.alias : var.deployment_group
  applications = {
    for function in var.functions : function => var.application == null ? function : var.application
  }
  policies = merge([
    for role in keys(local.roles) : {
      for function in var.functions : "${role}/${function}" => { role = role, function = function }
    }
  ]...)
}

module "policies" {
  source = "./policies"

  functions         = var.functions
  applications      = local.applications
  group             = local.group
  bucket            = aws_s3_bucket.this.bucket
  stack             = var.watch_stack
  subjects          = local.roles
  issuer            = var.issuer
  audience          = local.audience
  provider_arn      = local.provider
  partition         = data.aws_partition.current.partition
  region            = data.aws_region.current.region
  account           = data.aws_caller_identity.current.account_id
  service_role_arns = { for function, role in aws_iam_role.service : function => role.arn }
}

resource "aws_iam_openid_connect_provider" "this" {
  count = var.oidc_provider_arn == null ? 1 : 0

  url            = "https://${var.issuer}"
  client_id_list = [local.audience]
}

resource "aws_iam_role" "this" {
  for_each = local.roles

  name               = "${each.key}-${var.name}"
  assume_role_policy = module.policies.trusts[each.key]
}

resource "aws_iam_policy" "this" {
  for_each = local.policies

  name        = "${each.value.role}-${var.name}-${replace(each.value.function, "*", "")}"
  description = "The role ${each.value.role} of docs/iam/roles.json for ${each.value.function}"
  policy      = module.policies.documents[each.value.role][each.value.function]
}

resource "aws_iam_role_policy_attachment" "this" {
  for_each = local.policies

  role       = aws_iam_role.this[each.value.role].name
  policy_arn = aws_iam_policy.this[each.key].arn
}

# One for each function: whoever may create a deployment of one group moves what this role may move, and no more.
resource "aws_iam_role" "service" {
  for_each = var.functions

  name_prefix        = substr("codedeploy-${replace(each.key, "*", "")}", 0, 38)
  description        = "What CodeDeploy shifts the traffic of ${each.key} and invokes its hooks with."
  assume_role_policy = module.policies.service_trusts[each.key]
}

resource "aws_iam_role_policy" "service" {
  for_each = var.functions

  name   = "shift-traffic"
  role   = aws_iam_role.service[each.key].id
  policy = module.policies.service_documents[each.key]
}

resource "aws_codedeploy_app" "this" {
  for_each = local.groups

  name             = local.applications[each.key]
  compute_platform = "Lambda"

  lifecycle {
    precondition {
      condition     = !strcontains(each.key, "*")
      error_message = "A pattern names no application: set create_groups = false, and run `ci-deploy setup`."
    }
  }
}

resource "aws_codedeploy_deployment_group" "this" {
  for_each = local.groups

  app_name               = aws_codedeploy_app.this[each.key].name
  deployment_group_name  = local.group
  deployment_config_name = var.deployment_config
  service_role_arn       = aws_iam_role.service[each.key].arn

  deployment_style {
    deployment_type   = "BLUE_GREEN"
    deployment_option = "WITH_TRAFFIC_CONTROL"
  }

  auto_rollback_configuration {
    enabled = true
    events  = ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"]
  }

  dynamic "alarm_configuration" {
    for_each = contains(keys(var.alarms), each.key) ? [var.alarms[each.key]] : []
    content {
      enabled = true
      alarms  = alarm_configuration.value
    }
  }
}

resource "aws_s3_bucket" "this" {
  bucket        = var.bucket_name
  bucket_prefix = var.bucket_name == null ? "${substr(lower(replace(var.name, "_", "-")), 0, 24)}-deploy-" : null

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket = aws_s3_bucket.this.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_policy" "this" {
  bucket = aws_s3_bucket.this.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [aws_s3_bucket.this.arn, "${aws_s3_bucket.this.arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }
    ]
  })
}
