"""Finders of the regions where a learner is weak."""

from loop.regions.by_class import ByClass
from loop.regions.groups import Groups
from loop.regions.nowhere import Nowhere
from loop.regions.tree import TreeFinder

__all__ = ["ByClass", "Groups", "Nowhere", "TreeFinder"]
