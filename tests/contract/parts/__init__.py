"""Parts of the scenario: what is asked of a product, one module for each noun."""
