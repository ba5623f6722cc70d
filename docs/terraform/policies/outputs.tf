output "documents" {
  description = "What a role may do, by role and function."
  value       = { for role in keys(local.table.roles) : role => local.documents[role] }
}

output "trusts" {
  description = "Who may assume a role, by role."
  value = {
    for role, subjects in var.subjects : role => jsonencode({
      Version = "2012-10-17"
      Statement = [
        {
          Effect    = "Allow"
          Principal = { Federated = var.provider_arn }
          Action    = "sts:AssumeRoleWithWebIdentity"
          Condition = {
            StringEquals = {
              "${var.issuer}:aud" = var.audience
              "${var.issuer}:sub" = subjects
            }
          }
        }
      ]
    })
  }
}

output "service_documents" {
  description = "What CodeDeploy may do, by function."
  value       = local.documents["service-role"]
}

output "service_trusts" {
  description = "For which deployment group CodeDeploy may assume its role, by function."
  value       = local.documents["trust-service-role"]
}
