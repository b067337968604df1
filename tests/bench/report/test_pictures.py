"""Images that generators drew, as files and as addresses."""

import io
from base64 import b64decode, b64encode

import matplotlib.image
import numpy as np
import pytest

from bench.report import pictures
from bench.report.model import build

SIDE, COLUMNS, ENLARGED = 28, 8, 3


@pytest.fixture
def drawn(make_run):
    """Return a function: images -> the pictures of a run in which one of two loops drew them."""

    def draw(images):
        stored = b64encode(images.tobytes()).decode()
        run = make_run(steps={"tf-eager": 8e-3, "tf-function": 1e-3}, trial_fields={"tf-function": {"images": stored}})
        (group,) = build(run).groups
        return pictures.draw(group, suffix="1")

    return draw


def pixels(png):
    """Return the grey values of a picture, each image's pixel once."""
    decoded = np.rint(255.0 * matplotlib.image.imread(io.BytesIO(png), format="png")).astype(np.uint8)
    assert np.array_equal(decoded[..., 0], decoded[..., 1])
    assert np.array_equal(decoded[..., 0], decoded[..., 2])
    once = decoded[::ENLARGED, ::ENLARGED, 0]
    assert np.array_equal(decoded[..., 0], once.repeat(ENLARGED, axis=0).repeat(ENLARGED, axis=1))
    return once


def test_images_lie_side_by_side_in_rows_of_eight(drawn):
    """Every pixel is where it was drawn, as bright as it was; what is left of the last row is black."""
    images = np.random.default_rng(0).integers(0, 256, (10, SIDE, SIDE), dtype=np.uint8)

    (picture,) = drawn(images)

    grid = pixels(picture.png)
    assert (2 * SIDE, COLUMNS * SIDE) == grid.shape
    for number, image in enumerate(images):
        top, left = number // COLUMNS * SIDE, number % COLUMNS * SIDE
        assert np.array_equal(image, grid[top : top + SIDE, left : left + SIDE]), number
    assert not grid[SIDE:, 2 * SIDE :].any()


def test_dim_images_are_not_brightened(drawn):
    """A generator that learned nothing is not flattered: white is 255 whatever the brightest pixel is."""
    (picture,) = drawn(np.full((8, SIDE, SIDE), 40, np.uint8))

    assert {40} == set(np.unique(pixels(picture.png)))


def test_a_picture_says_whose_it_is_and_needs_no_second_file(drawn):
    """A sentence for those who do not see it, and an address that holds the picture itself."""
    (picture,) = drawn(np.zeros((8, SIDE, SIDE), np.uint8))

    assert "tf-function" == picture.loop
    assert picture.sentence.startswith("8 images that the generator of tf-function drew after about ")
    assert picture.name.startswith("images-1-")
    assert picture.png == b64decode(picture.address.removeprefix("data:image/png;base64,"))


def test_loops_without_images_have_no_picture(make_run):
    """They are drawn only when somebody asked."""
    (group,) = build(make_run()).groups

    assert () == pictures.draw(group, suffix="1")
