"""A backup restored into another namespace, next to the Kafka that it came from."""
