"""What docs/reproduction.md says of the papers' evaluations, made from the medians in benchmarks/results."""
