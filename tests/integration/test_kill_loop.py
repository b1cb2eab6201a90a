"""25 kills of all kinds at random moments; script/kill-loop does as many as one likes."""

from kill_loop import SHARES, KillLoop

KILLS = 25


def test_after_25_kills_every_document_is_there(bobbin, postgres, elasticsearch, tmp_path):
    loop = KillLoop(bobbin, postgres, elasticsearch, tmp_path, seed=4)
    loop.run(KILLS, print)
    print(loop.summary())
    assert loop.kills.total() == KILLS
    assert set(loop.kills) == set(SHARES)
