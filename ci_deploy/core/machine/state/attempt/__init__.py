"""One attempt at a deployment, and the records that begin anew with each."""
