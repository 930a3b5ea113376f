"""How long production's texts stay: pruned after a while, erased on request, kept where people used them."""
