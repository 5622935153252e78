"""A backup restored into another namespace, beside the Kafka that it came from."""
