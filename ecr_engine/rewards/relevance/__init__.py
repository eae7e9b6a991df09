"""How likely a response is the one that a person gave in this dialogue: a ranking model over hashed words.

An unreferenced metric in the line of RUBER (Tao et al., "RUBER: An Unsupervised Method for Automatic Evaluation of
Open-Domain Dialog Systems", AAAI 2018) and of the retrieval part of USR (Mehri & Eskenazi, ACL 2020): fitted to rank
the true reply of a corpus above replies of other dialogues, spoilt replies and sentences that could be said to anyone.
"""
