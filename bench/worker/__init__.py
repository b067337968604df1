"""The end of the wire with a framework in it."""
