"""One task each, glue only: they carry out what policy decides and decide nothing themselves."""
