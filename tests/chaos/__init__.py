"""Faults on purpose, each as a command of its own; the tests run short forms of them."""
