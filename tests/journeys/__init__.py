"""What users of three roles do, from the first command to the last, with the tools they have."""
