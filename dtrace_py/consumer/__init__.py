"""What a record means: its actions in program order, faults, drops, and the aggregations that the consumer keeps."""
