"""The stories that `make demo` tells, a file an engine."""
