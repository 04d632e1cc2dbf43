"""What is: the tables of a supply network, the immutable value over them, and its files."""
