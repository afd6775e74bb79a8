"""Tables of the runner's rules. Run by `python3 -m unittest discover -s tests/tools -t tests/tools`."""
