"""What is told of an incident, to whom: notices, letters, packages, rendered from facts and from a scope.

What happens here: templates become documents, documents and exposed members become one sealed package an insurer. Who may come in: the
operator's commands; an insurer's own reader. What never happens here: a figure that neither a fact nor the scope gives; a fact read as
markup; an insurer's reference of a member in clear.
"""
