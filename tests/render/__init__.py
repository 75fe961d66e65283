"""What is written to disk for each combination of choices, read without running it."""
