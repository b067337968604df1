"""Structures of arrays, without Keras."""

from loops.nested import is_nested, leaves, map_leaves, named_leaves

NESTED = {"left": (1, 2), "right": {"deep": 3}, "none": None}


def test_a_function_reaches_every_leaf_and_changes_no_structure():
    """Nothing stays nothing."""
    assert {"left": (2, 4), "right": {"deep": 6}, "none": None} == map_leaves(lambda leaf: 2 * leaf, NESTED)


def test_several_structures_are_walked_together():
    """As when batches are joined."""
    assert {"a": 3, "b": (7,)} == map_leaves(lambda one, other: one + other, {"a": 1, "b": (3,)}, {"a": 2, "b": [4]})


def test_a_list_becomes_a_tuple():
    """`tf.data` makes one tensor of a list."""
    assert (1, (2,)) == map_leaves(lambda leaf: leaf, [1, [2]])


def test_leaves_are_named_by_their_place():
    """As messages and files call them."""
    assert [("x.left.0", 1), ("x.left.1", 2), ("x.right.deep", 3)] == list(named_leaves(NESTED, "x"))
    assert [1, 2, 3] == leaves(NESTED)
    assert [True, True, False] == [is_nested(value) for value in ({}, (), 1)]
