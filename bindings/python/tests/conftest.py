"""What is made once for all tests."""

import pytest
from samples import layout


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An image that takes a while: half a gigabyte."""
    return layout(tmp_path_factory.mktemp("large"), 512 << 20)
