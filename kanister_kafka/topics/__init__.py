"""What is in topics: how much, how fast, the last of it, and whether two hold the same.

The only room that imports confluent_kafka, which comes with the extra `topics`.
"""
