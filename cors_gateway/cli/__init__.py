"""The command line: one file per verb. It prints and exits, and knows no rule of its own."""
