"""How it is computed: the product-expanded arrays, routes on them, and the one linear program."""
