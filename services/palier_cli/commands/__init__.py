"""One file per command: its arguments, its help, and how it ends. The work itself lies one floor up."""
