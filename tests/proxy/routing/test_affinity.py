"""A conversation's warm cache: kept for a while, for the one that served last, within bounds."""

from proxy.routing import Affinity
from proxy.routing.affinity import _KEPT


def test_the_one_that_served_last_is_warm_until_its_time_is_over() -> None:
    affinity = Affinity()
    affinity.served("talk", "a", until=10.0)
    affinity.served("talk", "b", until=20.0)
    assert affinity.warm("talk", now=19.9) == "b"
    assert affinity.warm("other", now=0.0) is None
    assert affinity.warm("talk", now=20.0) is None
    assert affinity.warm("talk", now=1.0) is None, "what was over is forgotten"


def test_no_more_conversations_are_kept_than_fit() -> None:
    affinity = Affinity()
    for number in range(_KEPT + 1):
        affinity.served(str(number), "a", until=10.0)
    assert affinity.warm("0", now=0.0) is None
    assert affinity.warm("1", now=0.0) == "a"


def test_the_conversations_that_go_are_those_that_were_served_longest_ago() -> None:
    affinity = Affinity()
    for number in range(_KEPT):
        affinity.served(str(number), "a", until=10.0)
    affinity.served("0", "b", until=10.0)
    affinity.served("one more", "a", until=10.0)
    assert affinity.warm("0", now=0.0) == "b"
    assert affinity.warm("1", now=0.0) is None
