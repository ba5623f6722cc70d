"""Messages about a running deployment, release or watch, and why it ended as it did."""
