# What roles may do, and who may assume them, as JSON. Pure: no provider, so `terraform plan` here shows every document.
# The files of ../../iam are the source; the words in capitals in them are replaced.

locals {
  iam   = "${path.module}/../../iam"
  table = jsondecode(file("${local.iam}/roles.json"))
  files = {
    for name in distinct(flatten(values(local.table.roles))) :
    name => jsondecode(file("${local.iam}/${name}.json")).Statement
  }
  all = {
    for role, names in local.table.roles : role => [
      for statement in flatten([for name in names : local.files[name]]) :
      statement if !contains(local.table.without, statement.Sid)
    ]
  }
  # What several files have under one Sid is there once.
  statements = {
    for role, all in local.all : role => [
      for sid in distinct(all[*].Sid) : [for statement in all : statement if statement.Sid == sid][0]
    ]
  }
  sources = merge(
    {
      for role, statements in local.statements :
      role => jsonencode({ Version = "2012-10-17", Statement = statements })
    },
    {
      for name in ["service-role", "trust-service-role"] :
      name => jsonencode(jsondecode(file("${local.iam}/${name}.json")))
    },
  )
  documents = {
    for name, text in local.sources : name => {
      for function in var.functions : function => replace(replace(replace(replace(replace(replace(replace(replace(replace(text
        , "arn:aws:iam::ACCOUNT:role/SERVICE-ROLE", lookup(var.service_role_arns, function, ""))
        , "arn:aws:", "arn:${var.partition}:")
        , "REGION", var.region)
        , "ACCOUNT", var.account)
        , "APPLICATION", var.applications[function])
        , "GROUP", var.group)
        , "FUNCTION", function)
        , "BUCKET", var.bucket)
      , "STACK", var.stack)
    }
  }
}
