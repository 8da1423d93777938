"""Ten questions on the Python documentation and three on a PDF manual: which place is cited."""
