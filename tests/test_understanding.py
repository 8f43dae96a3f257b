"""What the benchmark of understanding measures can be measured: of every provider, all of it."""

from benchmarks.understanding import understand, work


def test_everything_recorded_of_every_provider_is_understood_or_passed_over() -> None:
    found = {item.name: understand(item) for item in work()}

    assert all(found.values()), found
