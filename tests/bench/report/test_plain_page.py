"""Pages of several runs."""

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from bench.report import plain_page


def test_a_template_of_another_room_stands_in_our_page(tmp_path):
    """Text is escaped, markup is not, and what is not given is an error."""
    (tmp_path / "own.html.j2").write_text(
        '{% extends "base.html.j2" %}{% block content %}{{ text }}{{ mark }}{% endblock %}', encoding="utf-8"
    )

    page = plain_page.render("own.html.j2", templates=tmp_path, title="T", text="<a>", mark=Markup("<b>"))

    assert "<title>T</title>" in page
    assert "&lt;a&gt;<b>" in page
    with pytest.raises(UndefinedError):
        plain_page.render("own.html.j2", templates=tmp_path, title="T")
