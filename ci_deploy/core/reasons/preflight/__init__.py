"""What is found before anything is written: in what a deployment uses, and in what surrounds it."""
