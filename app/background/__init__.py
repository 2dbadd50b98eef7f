"""What goes on beside the window's thread: opening, labelling, training, importing, decoding; and who watches it."""
