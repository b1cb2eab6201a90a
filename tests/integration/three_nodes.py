"""A real Elasticsearch cluster of three nodes, which knows soon that a node is silent."""

import os
import random
import signal
from concurrent.futures import ThreadPoolExecutor

from engines import SearchEngine
from jobs import wait_for

NODES = ("a", "b", "c")
HEAP = "400m"
FAULT_DETECTION = [f"cluster.fault_detection.{check}.{setting}" for check in ("follower_check", "leader_check")
                   for setting in ("interval=500ms", "timeout=1s", "retry_count=2")]


class Node(SearchEngine):
    """One of them, with ports for all: its own is PORTS[NAME]."""

    def __init__(self, name, ports):
        super().__init__("elasticsearch")
        self.name = name
        seeds = ",".join(f"127.0.0.1:{port}" for port in ports.values())
        self.membership = ["discovery.type=multi-node", f"node.name={name}", f"transport.port={ports[name]}",
                           f"discovery.seed_hosts={seeds}", f"cluster.initial_master_nodes={','.join(NODES)}",
                           *FAULT_DETECTION]

    def start(self, _settings=""):
        super().start(" ".join(self.membership), BOBBIN_HEAP=HEAP)

    def freeze(self):
        """It is there, and silent, until it goes on."""
        os.kill(int((self.directory / "pid").read_text()), signal.SIGSTOP)
        self.is_up = False

    def go_on(self):
        os.kill(int((self.directory / "pid").read_text()), signal.SIGCONT)
        self.is_up = True


class Cluster(SearchEngine):
    """To a Job it is an engine: one of the nodes that are up, at the moment."""

    def __init__(self):
        self.kind, self.settings = "cluster", ""
        ports = dict(zip(NODES, random.sample(range(12000, 20000), len(NODES))))
        self.nodes = [Node(name, ports) for name in NODES]

    @property
    def is_up(self):
        return all(node.is_up for node in self.nodes)

    @property
    def address(self):
        return next(node.address for node in self.nodes if node.is_up)

    def urls(self):
        """The options that name all nodes."""
        return [word for node in self.nodes for word in ("--url", node.address)]

    def start(self, _settings=""):
        """All that are down, at once: two of them elect a master."""
        with ThreadPoolExecutor() as starters:
            list(starters.map(Node.start, [node for node in self.nodes if not node.is_up]))
        self.wait_until(lambda health: health["number_of_nodes"] == len(NODES))

    def wait_until(self, condition):
        """Until the cluster's health is one that fits."""
        wait_for(lambda: condition(self.must("GET", "_cluster/health")), "a healthy cluster")

    def stop(self):
        for node in self.nodes:
            node.stop()

    def remove(self):
        for node in self.nodes:
            node.remove()

    def node_of(self, name):
        return next(node for node in self.nodes if node.name == name)

    def master(self):
        return self.node_of(self.must("GET", "_cat/master?format=json")[0]["node"])

    def holder(self, index):
        """The node of one of the index's primaries, and not the master if there is such a one."""
        shards = self.must("GET", f"_cat/shards/{index}?format=json&h=prirep,node")
        holders = [self.node_of(shard["node"]) for shard in shards if shard["prirep"] == "p"]
        return next((node for node in holders if node is not self.master()), holders[0])
