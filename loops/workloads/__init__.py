"""One file per workload: model, loss, optimizer recipe, arrays and metric."""
