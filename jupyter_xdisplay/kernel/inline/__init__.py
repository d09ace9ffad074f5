"""Windows under the cells that opened them."""
