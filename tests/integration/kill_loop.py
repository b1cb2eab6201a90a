"""Jobs under kills at random moments, until so many kills are done; each job is then compared with
its query, every id and document. script/kill-loop starts this file, test_kill_loop.py uses it.

A job is run again and again, in lives that end by a kill or by themselves. All that is drawn comes
from the seed; which line of code a kill then meets is the machine's choice.
"""

import argparse
import contextlib
import json
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from engines import Bobbin, Postgres, SearchEngine
from jobs import (CONFIG, DEAD_LETTERS, FINISHED, NUMBERS_ONLY, STOPPED, Database, Job,
                  assert_complete)
from proxy import Proxy

# How many in a hundred kills are of each kind; one is, at least.
SHARES = {"SIGKILL": 43, "SIGTERM": 17, "SIGKILL of dump and replay": 17, "backend terminated": 18,
          "PostgreSQL restarted": 3, "PostgreSQL killed": 1,
          "Elasticsearch restarted": 0.5, "Elasticsearch killed": 0.5}
GROUP = "SIGKILL of dump and replay"  # two processes on one spool
OF_ONE = ("SIGKILL", "SIGTERM")
ROWS = 6000
STOP_SECONDS = 5 + 5  # the promise, and a busy machine's due
END_SECONDS = 300
OPENING_SECONDS = 0.1  # within it a process opens its spool and clears up what the last one left
TERMINATE = """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE application_name = 'bobbin' AND datname = current_database()"""


def must(condition, *words):
    """As assert, with words."""
    if not condition:
        raise AssertionError(" ".join(map(str, words)))


def schedule(kills, draw):
    """KILLS kinds in random order, by their shares."""
    kinds = [kind for kind, share in SHARES.items()
             for _ in range(max(1, round(kills * share / 100)))]
    kinds = kinds[-kills:] if len(kinds) > kills else kinds
    kinds += ["SIGKILL"] * (kills - len(kinds))
    draw.shuffle(kinds)
    return kinds


class Life:
    """One `run` that works on a job, or a group of `dump` and `replay`."""

    def __init__(self, job, dump_options, replay_options, is_group):
        self.job = job
        self.is_group = is_group
        self.is_disturbed = False  # by an engine's fault: then it may end early
        if is_group:
            self._start_group(dump_options, replay_options)
        else:
            self.process = job.start(*dump_options, *replay_options)

    def _start_group(self, dump_options, replay_options):
        """The replay waits for an index. A pipe that all hold shows when the last one is gone."""
        dump = [self.job.bobbin.path, *self.job.arguments("dump", *dump_options)]
        replay = [self.job.bobbin.path, *self.job.arguments("replay", *replay_options)]
        index = shlex.quote(str(self.job.spool / "index.mdb"))
        self.held, end = os.pipe()
        self.process = self.job.bobbin.start_shell(
            f"{shlex.join(map(str, dump))} & dump=$!\n"
            f"until [ -e {index} ] || ! kill -0 $dump 2>/dev/null; do sleep 0.01; done\n"
            f"{shlex.join(map(str, replay))} & replay=$!\n"
            "wait $dump; echo dump $?\nwait $replay; echo replay $?\n", pass_fds=[end])
        os.close(end)

    def lives_on(self, seconds):
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        return self.process.poll() is None

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self.is_group:
            os.read(self.held, 1)
            os.close(self.held)

    def statuses(self):
        """How it ended by itself: a status for each process."""
        if not self.is_group:
            return [self.process.returncode]
        words = self.process.stdout_text().split()
        return [int(words[words.index(stage) + 1]) for stage in ("dump", "replay")]


class Round:
    """One job from its beginning to its comparison. EARLIER: when the finished job began that stands
    in SPOOL and is to be run again; None: there is none."""

    def __init__(self, loop, index, spool, earlier):
        self.loop = loop
        self.earlier = earlier
        self.proxy = Proxy(loop.elasticsearch.url)
        self.job = Job(loop.bobbin, loop.database, loop.table, spool, index, loop.elasticsearch,
                       self.proxy.url)
        self.kills = 0
        self.settled = 0  # documents that were acknowledged or dead when last looked at
        self.is_engine_killed = False
        choice = loop.draw.choice
        self.in_flight = choice([1, 4, 8])
        self.dump_options = ["--window-rows", choice([60, 500, 3000]),
                             "--frame-size", choice(["4K", "16K"]),
                             "--segment-size", choice(["8K", "64K", "256K"]),
                             "--jobs", choice([1, 1, 2, 4]),
                             "--snapshot", choice(["window", "window", "dump"]),
                             *choice([[], ["--spool-max", "256K"]])]
        self.replay_options = ["--in-flight", self.in_flight]

    # --- what the spool says

    def look(self):
        """The job's status; None while the spool has none."""
        done = self.job.bobbin.run(["status", "--json", self.job.spool])
        if done.returncode == CONFIG and "there is none" in done.stderr:
            return None
        must(done.returncode == FINISHED, "status:", done.returncode, done.stderr)
        status = json.loads(done.stdout)
        return status if status["started"] != self.earlier else None

    def is_finished(self):
        """Also checks that the ledger adds up, and that what is settled stays settled."""
        status = self.look()
        if status is None:
            return False
        settled = status["acknowledged"] + status["dead"]
        must(status["rows_read"] == settled + status["pending"], "the ledger:", status)
        must(self.settled <= settled <= ROWS, "settled before:", self.settled, "now:", status)
        self.settled = settled
        return status["state"] == "finished"

    # --- lives

    def start(self, is_group):
        self.loop.lives += 1
        again = ["--again"] if self.earlier and self.look() is None else []
        return Life(self.job, [*self.dump_options, *again], self.replay_options, is_group)

    def check_end(self, life, *also):
        """LIFE ended, not by SIGKILL."""
        for status in life.statuses():
            self.loop.statuses[status] += 1
            allowed = {FINISHED, DEAD_LETTERS, *also}
            if life.is_disturbed or life.is_group:
                allowed.add(STOPPED)
            must(status in allowed, "exit status", status, "of", life.process.args,
                 life.process.stderr_text()[-4000:])

    def disturb(self, kind, life):
        """Do what doesn't end the life. Has it been done? There may be no backend just now."""
        loop = self.loop
        life.is_disturbed = True
        if kind == "backend terminated":
            (backends,), = loop.database.execute(TERMINATE)
            return backends > 0
        engine = loop.postgres if kind.startswith("PostgreSQL") else loop.elasticsearch
        self.is_engine_killed |= engine is loop.elasticsearch
        if kind.endswith("killed"):
            engine.kill()
        else:
            engine.stop()
        engine.start()
        return True

    def end(self, kind, life):
        if kind != "SIGTERM":
            life.kill()
            self.loop.statuses[life.process.returncode] += 1
            return
        life.process.send_signal(signal.SIGTERM)
        must(not life.lives_on(STOP_SECONDS), "SIGTERM did not end it",
             life.process.stderr_text()[-4000:])
        is_early = not life.process.stderr_text()  # before it could say what to do with a signal
        self.check_end(life, STOPPED, *([-signal.SIGTERM] if is_early else []))

    def count(self, kind, kinds):
        del kinds[len(kinds) - 1 - kinds[::-1].index(kind)]
        self.kills += 1
        self.loop.kills[kind] += 1

    def live(self, kinds):
        """One life: moments pass, and at each one of KINDS strikes, until it ends."""
        life = self.start(is_group=kinds[-1] == GROUP)
        unsuited = OF_ONE if life.is_group else (GROUP,)
        while life.lives_on(self.loop.draw_delay()):
            kind = next((kind for kind in reversed(kinds) if kind not in unsuited), None)
            if kind is None:
                must(not life.lives_on(END_SECONDS), "it does not end")
            elif kind in (GROUP, *OF_ONE):
                self.end(kind, life)
                self.count(kind, kinds)
                return
            elif self.disturb(kind, life):
                self.count(kind, kinds)
        self.check_end(life)

    def run(self, kinds):
        while kinds and not self.is_finished():
            before = len(self.proxy.requests)
            self.live(kinds)
            self.note_sent_again(before)
        self.compare()

    # --- the end

    def note_sent_again(self, before):
        """How many documents the requests behind the first BEFORE have that were sent before. When
        Elasticsearch fails, each is sent until an answer comes: that is no kill's due."""
        if self.is_engine_killed:
            return
        seen = {request.first_id for request in self.proxy.requests[:before]}
        documents = sum(request.documents for request in self.proxy.requests[before:]
                        if request.first_id in seen)
        self.loop.most_sent_again = max(self.loop.most_sent_again, documents)

    def compare(self):
        """The last life ends by itself; then all must be there, and little was sent twice."""
        before = len(self.proxy.requests)
        begun = time.monotonic()
        life = self.start(is_group=False)
        must(not life.lives_on(END_SECONDS), "it does not end")
        self.check_end(life)
        if self.kills == 0:
            self.loop.seconds = time.monotonic() - begun
        assert_complete(self.job, self.job.run())
        self.note_sent_again(before)
        sent_again = self.proxy.sent_again()
        must(self.is_engine_killed or sent_again <= self.kills * self.in_flight, sent_again,
             "requests were sent again after", self.kills, "kills,", self.in_flight, "in flight")
        self.loop.requests += len(self.proxy.requests)
        self.loop.sent_again += sent_again
        self.loop.rounds += 1


class KillLoop:
    """The engines, the table, and what has been counted."""

    def __init__(self, bobbin, postgres, elasticsearch, directory, seed):
        self.bobbin = bobbin
        self.postgres = postgres
        self.elasticsearch = elasticsearch
        self.directory = directory
        self.draw = random.Random(seed)
        self.database = Database(postgres, postgres.fresh_database("kill_loop"))
        self.table = self.database.make_marked(ROWS, size=200)
        self.lives = self.rounds = self.requests = self.sent_again = self.most_sent_again = 0
        self.kills, self.statuses = Counter(), Counter()
        self.seconds = 0  # that a job takes when nobody disturbs it

    def draw_delay(self):
        """Often soon after the start, often within a job's first half, now and then at any time."""
        most = self.draw.choices([OPENING_SECONDS, self.seconds / 2, self.seconds], [35, 50, 15])[0]
        return self.draw.uniform(0, most)

    def run_round(self, kinds, spool, earlier):
        """When the round's job began; None when its spool is of no more use."""
        index = "kill-loop-" + spool.name
        self.elasticsearch.delete_index(index)
        self.elasticsearch.create_index(index, NUMBERS_ONLY)
        one = Round(self, index, spool, earlier)
        try:
            one.run(kinds)
            return one.look()["started"]
        finally:
            one.proxy.close()

    def run(self, kills, tell):
        """TELL is called with a line after each job."""
        kinds = schedule(kills, self.draw)
        spool = self.directory / "spool-0"
        earlier = self.run_round([], spool, None)
        tell(f"a job takes {self.seconds:.1f} s")
        while kinds:
            if earlier is None or self.draw.random() < 0.5:
                shutil.rmtree(spool, ignore_errors=True)
                spool, earlier = self.directory / f"spool-{self.rounds + 1}", None
            earlier = self.run_round(kinds, spool, earlier)
            tell(f"{kills - len(kinds)} of {kills} kills: job {self.rounds} is complete")

    def summary(self):
        kinds = ", ".join(f"{count} {kind}" for kind, count in self.kills.most_common())
        statuses = ", ".join(f"{status} ({count} times)"
                             for status, count in sorted(self.statuses.items()))
        return "\n".join([
            f"kills: {self.kills.total()}: {kinds}",
            f"jobs: {self.rounds} of {ROWS} rows; processes: {self.lives}",
            f"exit statuses (negative: signals): {statuses}",
            f"bulk requests: {self.requests}, sent again {self.sent_again}",
            f"most documents sent again after one kill of bobbin: {self.most_sent_again}",
            f"compared: {self.rounds * ROWS} rows with documents and dead letters, all equal"])


def main():
    parser = argparse.ArgumentParser(prog="script/kill-loop")
    parser.add_argument("kills", type=int, metavar="N")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10 ** 6))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    directory = Path(tempfile.mkdtemp(prefix="bobbin-kill-loop-", dir="/tmp"))
    bobbin = Bobbin(directory)
    engines = Postgres(), SearchEngine("elasticsearch")
    try:
        for engine in engines:
            engine.start()
        loop = KillLoop(bobbin, *engines, directory, options.seed)
        loop.run(options.kills, lambda line: print(line, flush=True))
        print(loop.summary())
        shutil.rmtree(directory)
    except AssertionError as wrong:
        sys.exit(f"script/kill-loop: {wrong}\nseed {options.seed}; all is kept in {directory}")
    finally:
        bobbin.end_all()
        for engine in engines:
            engine.remove()


if __name__ == "__main__":
    main()
