"""What the registry's routes take and give: wire models, and nothing else."""
