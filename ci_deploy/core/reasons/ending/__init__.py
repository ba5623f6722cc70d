"""What is told of a deployment, a release or a watch on its way, and why it ended as it did."""
