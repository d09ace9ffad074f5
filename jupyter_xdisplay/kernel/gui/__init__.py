"""matplotlib and the GUI toolkits of this process: loops between cells, and interrupts."""
