"""What is told: events, the timeline made of them, and the diagnosis of a failure."""
