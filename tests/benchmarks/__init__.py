"""Benchmarks: figures to compare, side by side in one run. No test asserts a time; sizes and counts are asserted."""
