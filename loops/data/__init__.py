"""The MNIST fixture, its embedded stand-in, and how each framework is fed from them."""
