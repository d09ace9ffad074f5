"""The kernel side: magics, environment, GUI event loops, and the view in a cell."""
