variable "name" {
  description = "What the roles are called after (deploy-NAME, read-NAME, …), such as the function, the repository or the team."
  type        = string
  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]{1,40}$", var.name))
    error_message = "A name has up to 40 letters, digits and _.-"
  }
}

variable "functions" {
  description = "The functions, up to ten: names, or patterns such as shop-* (then with create_groups = false). They exist already, each with the alias that is deployed to."
  type        = set(string)
  validation {
    condition     = length(var.functions) >= 1 && length(var.functions) <= 10
    error_message = "From one to ten functions: a role has at most ten policies."
  }
  validation {
    condition     = alltrue([for function in var.functions : can(regex("^[A-Za-z0-9_*-]{1,64}$", function))])
    error_message = "A function is given by its name, or by a pattern with *."
  }
}

variable "alias" {
  description = "The alias whose traffic is shifted."
  type        = string
  default     = "live"
}

variable "application" {
  description = "CodeDeploy's application; null, each function has one of its own name. One for several functions exists already (create_groups = false)."
  type        = string
  default     = null
  validation {
    condition     = can(regex("^[A-Za-z0-9+=,.@_-]{1,100}$", coalesce(var.application, "x")))
    error_message = "An application's name has up to 100 letters, digits and +=,.@_-"
  }
}

variable "deployment_group" {
  description = "The deployment group; null, it has the alias's name. * for any group of the application (then with create_groups = false)."
  type        = string
  default     = null
  validation {
    condition     = can(regex("^([A-Za-z0-9+=,.@_-]{1,100}|[*])$", coalesce(var.deployment_group, "x")))
    error_message = "A deployment group's name has up to 100 letters, digits and +=,.@_-"
  }
}

variable "create_groups" {
  description = "Whether to create an application and a deployment group for each function. For patterns `ci-deploy setup` does."
  type        = bool
  default     = true
}

variable "deployment_config" {
  description = "How the groups shift traffic."
  type        = string
  default     = "CodeDeployDefault.LambdaCanary10Percent5Minutes"
}

variable "alarms" {
  description = "Alarms that stop a deployment, for each function."
  type        = map(set(string))
  default     = {}
}

variable "bucket_name" {
  description = "What the bucket is called; null, Terraform finds a name."
  type        = string
  default     = null
}

variable "issuer" {
  description = "Who issues the tokens, without https://. GitHub Enterprise Server: HOST/_services/token. An enterprise with an issuer of its own: token.actions.githubusercontent.com/ENTERPRISE."
  type        = string
  default     = "token.actions.githubusercontent.com"
  validation {
    condition     = can(regex("^[a-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._-]+)*$", var.issuer))
    error_message = "An issuer is a host with a path, without https://."
  }
}

variable "oidc_provider_arn" {
  description = "The issuer's OIDC provider, if the account has it already (there can be one only); null, it is created."
  type        = string
  default     = null
}

variable "subjects" {
  description = "The tokens' subjects that may assume each role, in any form that your tokens have, compared literally. A role without subjects is not made."
  type = object({
    deploy   = set(string)
    read     = optional(set(string), [])
    rollback = optional(set(string), [])
    setup    = optional(set(string), [])
    prune    = optional(set(string), [])
    watch    = optional(set(string), [])
  })
  validation {
    condition     = alltrue([for subject in flatten([for each in values(var.subjects) : tolist(each)]) : can(regex("^[^*?\"\\\\\\s]+:[^*?\"\\\\\\s]+$", subject))])
    error_message = "A subject has no wildcards: repo:my-org/my-repo:ref:refs/heads/main."
  }
}

variable "watch_stack" {
  description = "The CloudFormation stack that `watch` may read, with its nested stacks; * for every stack."
  type        = string
  default     = "*"
}
