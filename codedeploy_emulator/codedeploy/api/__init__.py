"""CodeDeploy's operations: parameters are checked, the store is read or changed, and answers take AWS's form."""
