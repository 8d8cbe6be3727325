"""Keep every model that a learning-rate sweep trains, and get the best ensemble out of them.

The method is Jin & Wu, "Boosting Deep Ensembles with Learning Rate Tuning", arXiv 2410.07564.
"""
