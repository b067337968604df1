"""The front door: parse, call one function, echo."""
