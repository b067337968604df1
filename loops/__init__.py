"""What is measured: loops, workloads and data. Nothing here knows the harness."""
