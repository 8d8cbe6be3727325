"""Studies: several pools of one experiment at equal cost, compared."""
