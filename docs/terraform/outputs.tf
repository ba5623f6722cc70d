output "bucket" {
  description = "The input `bucket`."
  value       = aws_s3_bucket.this.bucket
}

output "role_arns" {
  description = "The input `role-to-assume`, by role."
  value       = { for role, made in aws_iam_role.this : role => made.arn }
}

output "service_role_arns" {
  description = "The input `service-role-arn` of `setup`, by function."
  value       = { for function, made in aws_iam_role.service : function => made.arn }
}
