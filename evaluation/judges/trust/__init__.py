"""How far may a judge be trusted? Its figures, the certificate they earn, and what they let it do."""
