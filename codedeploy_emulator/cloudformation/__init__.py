"""CloudFormation, as far as docs/cloudformation/foundation.yaml needs it: stacks are made by other services' APIs."""
