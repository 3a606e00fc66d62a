"""Finds a copied text among the words of a page: where a value that a model gave really stands.

Nothing is believed because a model said it: a value is shown with the place where it is printed,
or it is marked as not found. Every search does a bounded amount of work, however long the page.
"""

from medley.grounding.ground import Ground, crossing
from medley.grounding.place import Place

__all__ = ["Ground", "Place", "crossing"]
