"""The steps of a refresh, `bobbin index ...`, and indices that go when the test is done."""

import json

from jobs import FINISHED, next_name


class Steps:
    """`bobbin index COMMAND INDEX` on one engine."""

    def __init__(self, bobbin, engine):
        self.bobbin, self.engine = bobbin, engine
        self.names = []

    def name(self, kind="images"):
        """The name of an index that is to come."""
        self.names.append(next_name(kind))
        return self.names[-1]

    def make(self, body=None, kind="images"):
        """An index made by hand; its name."""
        name = self.name(kind)
        self.engine.create_index(name, body)
        return name

    def words(self, command, index, *options):
        return ["index", command, index, "--url", self.engine.url, *options]

    def run(self, command, index, *options, env=None):
        return self.bobbin.run(self.words(command, index, *options), env=env)

    def do(self, command, index, *options):
        """One that succeeds; its result."""
        result = self.run(command, index, *options)
        assert result.returncode == FINISHED, result.stderr
        return result

    def start(self, command, index, *options):
        return self.bobbin.start(self.words(command, index, *options))

    def settings(self, index):
        answer = self.engine.must("GET", f"{index}/_settings?flat_settings=true")
        return answer[index]["settings"]

    def loading(self, index):
        """refresh_interval and number_of_replicas, None for what is not set."""
        settings = self.settings(index)
        return settings.get("index.refresh_interval"), settings["index.number_of_replicas"]

    def meta(self, index):
        return self.engine.must("GET", f"{index}/_mapping")[index]["mappings"].get("_meta")

    def note(self, index, name):
        """What bobbin noted in it."""
        return (self.meta(index) or {}).get("bobbin", {}).get(name)

    def behind(self, alias):
        """index -> the alias' properties; empty when there is no such alias."""
        status, answer = self.engine.request("GET", f"_alias/{alias}")
        return {} if status == 404 else {index: what["aliases"][alias] for index, what in answer.items()}

    def exists(self, index):
        return self.engine.request("GET", index)[0] == 200

    def put(self, index, documents):
        """Documents by hand: id -> source."""
        lines = [json.dumps(line) for key, source in documents.items()
                 for line in ({"index": {"_id": key}}, source)]
        answer = self.engine.must("POST", f"{index}/_bulk", "\n".join(lines) + "\n")
        assert not answer["errors"], answer

    def remove(self):
        if self.engine.is_up:
            for name in self.names:
                self.engine.delete_index(name)
