variable "functions" {
  type = set(string)
}

variable "applications" {
  type = map(string)
}

variable "group" {
  type = string
}

variable "bucket" {
  type = string
}

variable "stack" {
  type = string
}

variable "subjects" {
  type = map(set(string))
}

variable "issuer" {
  type = string
}

variable "audience" {
  type = string
}

variable "provider_arn" {
  type = string
}

variable "partition" {
  type = string
}

variable "region" {
  type = string
}

variable "account" {
  type = string
}

variable "service_role_arns" {
  type = map(string)
}
