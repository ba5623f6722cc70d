"""What actions do, in terms of the ports. Decides nothing."""
