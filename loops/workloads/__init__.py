"""One file per recipe: model, loss, optimizer, arrays and metric; what differs in one of these shares a file."""
