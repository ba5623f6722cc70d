"""What a rollout knows, as small records: each is made and changed in its own file alone, by named transitions."""
