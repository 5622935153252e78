"""What is known of Kasten's kinds: their fields, and where each is written."""
