"""How scores of teams are computed: the definition, many teams at once, teams that grow, rows that are drawn again."""
