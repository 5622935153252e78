"""Objects of Kasten as the linter reads them."""
