"""Groups as the command line meets them, for any broker: `sluice consume -g` and `sluice group`.

A test module gives the cases their broker: `class Groups(GroupCases, unittest.TestCase)` with `broker` set.
"""

import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time

from sluice_test import BIN, run, run_cli, wait_until

EXIT_FAILED, EXIT_USAGE, EXIT_NOT_FOUND = 1, 2, 3
SESSION = ("--session-timeout", "6")  # The shortest that brokers allow.


class Member:
    """A `sluice consume -g` that runs until it is told to stop."""

    def __init__(self, broker, directory, group, *arguments):
        self.out = tempfile.TemporaryFile(dir=directory)
        self.err = tempfile.TemporaryFile(dir=directory)
        self.process = subprocess.Popen(
            [BIN / "sluice", "-b", broker.address, "consume", "-g", group, "-o", "start", *arguments],
            stdout=self.out, stderr=self.err)

    def read(self, file):
        return os.pread(file.fileno(), 64 << 20, 0).decode()

    def lines(self):
        text = self.read(self.out)
        return text[:text.rfind("\n") + 1].splitlines()

    def said(self):
        return self.read(self.err)

    def owned(self):
        """What stderr says that it has: {(topic, partition)}."""
        owned = set()
        for line in self.said().splitlines():
            verb, _, rest = line.replace("gave back", "gave-back").partition(" ")
            if verb not in ("assigned", "gave-back", "lost") or rest == "nothing":
                continue
            named = {(topic, int(number)) for topic, numbers in re.findall(r"(\S+):([\d,]+)", rest)
                     for number in numbers.split(",")}
            owned = owned | named if verb == "assigned" else owned - named
        return owned

    def end(self, signal_number=signal.SIGINT, seconds=30):
        self.process.send_signal(signal_number)
        return self.process.wait(seconds)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.out.close()
        self.err.close()


class GroupCases:
    broker = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.work = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="sluice-test.")))

    def setUp(self):
        self.name = self.id().rsplit(".", 1)[1].replace("test_", "").replace("_", "-")[:60]
        self.next_line = 0
        self.members = []

    def tearDown(self):
        for member in self.members:
            member.close()

    def cli(self, *arguments, **more):
        return run_cli(self.broker, *arguments, **more)

    def json(self, *arguments):
        return [json.loads(line) for line in self.cli("--format", "json", *arguments).stdout.splitlines()]

    def topic(self, partitions=6, name=None):
        name = name or self.name
        self.cli("topic", "create", name, "-p", str(partitions))
        return name

    def produce(self, topic, count, partition=None):
        """Different lines, spread by their keys; returns them."""
        lines = [f"line-{i:06d}" for i in range(self.next_line, self.next_line + count)]
        self.next_line += count
        text = "".join(f"{line}:{line}\n" for line in lines)
        where = () if partition is None else ("-p", str(partition))
        self.cli("produce", topic, "-k", ":", *where, input=text.encode())
        return lines

    def start(self, *arguments, group=None):
        member = Member(self.broker, self.work, group or self.name, *arguments)
        self.members.append(member)
        return member

    def wait_for_shares(self, members, topic, partitions):
        """Every partition has one owner, and every member has some."""
        wanted = {(topic, i) for i in range(partitions)}

        def shared():
            owned = [member.owned() for member in members]
            return all(owned) and sum(map(len, owned)) == partitions and set().union(*owned) == wanted

        try:
            wait_until(shared, 60, "fair shares")
        except AssertionError as failed:
            raise AssertionError(f"{failed}: {[member.said() for member in members]}")

    def all_lines(self, members):
        return [line for member in members for line in member.lines()]

    def wait_for_lines(self, members, count):
        wait_until(lambda: len(self.all_lines(members)) >= count, 60, f"{count} lines")

    def assert_fails(self, code, text, *arguments, **more):
        result = self.cli(*arguments, check=False, **more)
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertIn(text, result.stderr.decode())
        return result.stderr.decode()

    def read(self, topic, *options, group=None):
        return self.cli("consume", "-g", group or self.name, topic, "-o", "start", "-e", *options).stdout.decode().split()

    def lag(self, group=None):
        return self.json("group", "lag", group or self.name)[0]

    # Members.

    def test_group_goes_on_where_it_was(self):
        topic = self.topic()
        first = self.produce(topic, 1000)
        self.assertEqual(sorted(self.read(topic)), first)
        self.assertEqual(self.read(topic), [])
        second = self.produce(topic, 500)
        self.assertEqual(sorted(self.read(topic)), second)
        self.assertEqual(sorted(self.read(topic, group=self.name + "-2")), first + second)

    def test_count_commits_what_was_printed_and_no_more(self):
        topic = self.topic(1)
        lines = self.produce(topic, 10)
        self.assertEqual(self.read(topic, "-n", "3"), lines[:3])
        self.assertEqual(self.read(topic, "-n", "3"), lines[3:6])
        self.assertEqual(self.read(topic), lines[6:])

    def test_output_that_nobody_reads_is_not_committed(self):
        topic = self.topic(1)
        lines = self.produce(topic, 100_000)
        command = [BIN / "sluice", "-b", self.broker.address, "consume", "-g", self.name, topic, "-o", "start"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            seen = process.stdout.readline().decode().strip()
            process.stdout.close()
            self.assertEqual(process.wait(30), 0)
        self.assertEqual(seen, lines[0])
        rest = self.read(topic)
        self.assertEqual(rest, lines[len(lines) - len(rest):])
        self.assertGreater(len(rest), 1000)

    def test_no_commit_reads_the_same_again(self):
        topic = self.topic(2)
        lines = self.produce(topic, 100)
        self.assertEqual(sorted(self.read(topic, "--no-commit")), lines)
        self.assertEqual(sorted(self.read(topic, "--no-commit")), lines)

    def test_members_come_and_go_and_no_line_is_read_twice_or_missed(self):
        topic = self.topic()
        a = self.start(topic)
        self.wait_for_shares([a], topic, 6)
        lines = self.produce(topic, 300)
        self.wait_for_lines([a], 300)
        b = self.start(topic)
        c = self.start(topic)
        self.wait_for_shares([a, b, c], topic, 6)
        lines += self.produce(topic, 600)
        self.wait_for_lines([a, b, c], 900)
        self.assertGreater(min(len(b.lines()), len(c.lines())), 0)
        self.assertEqual(a.end(), 0)
        self.assertEqual(a.owned(), set())
        self.wait_for_shares([b, c], topic, 6)
        lines += self.produce(topic, 600)
        self.wait_for_lines([a, b, c], 1500)
        self.assertEqual(b.end(), 0)
        self.assertEqual(c.end(signal.SIGTERM), 0)
        self.assertEqual(sorted(self.all_lines([a, b, c])), lines)
        self.assertEqual(self.lag()["lag"], 0)

    def test_killed_members_lines_are_read_by_the_others(self):
        topic = self.topic()
        a, b, c = (self.start(topic, *SESSION) for _ in range(3))
        self.wait_for_shares([a, b, c], topic, 6)
        lines = self.produce(topic, 600)
        self.wait_for_lines([a, b, c], 600)
        a.end(signal.SIGKILL)
        lines += self.produce(topic, 600)
        self.wait_for_shares([b, c], topic, 6)
        wait_until(lambda: set(self.all_lines([a, b, c])) == set(lines), 60, "all lines")
        self.assertEqual((b.end(), c.end()), (0, 0))
        # What the dead one had not committed may come twice, nothing else may.
        survivors = self.all_lines([b, c])
        self.assertEqual(len(survivors), len(set(survivors)))

    def test_static_member_comes_back_to_its_partitions_without_a_rebalance(self):
        topic = self.topic()
        a = self.start(topic, "--instance-id", "a")
        b = self.start(topic, "--instance-id", "b")
        self.wait_for_shares([a, b], topic, 6)
        had = a.owned()
        lines = self.produce(topic, 300)
        self.wait_for_lines([a, b], 300)
        said = b.said()
        self.assertEqual(a.end(), 0)
        lines += self.produce(topic, 300)
        again = self.start(topic, "--instance-id", "a")
        wait_until(lambda: again.owned() == had, 30, "the old partitions")
        self.wait_for_lines([a, b, again], 600)
        self.assertEqual(b.said(), said)  # Nobody told it of anything.
        self.assertEqual((b.end(), again.end()), (0, 0))
        self.assertEqual(sorted(self.all_lines([a, b, again])), lines)

    def test_second_of_one_instance_id_fences_the_first(self):
        topic = self.topic(2)
        a = self.start(topic, "--instance-id", "same")
        self.wait_for_shares([a], topic, 2)
        b = self.start(topic, "--instance-id", "same")
        wait_until(lambda: a.process.poll() is not None, 30, "end of the first")
        self.assertEqual(a.process.returncode, EXIT_FAILED)
        self.assertIn("FENCED_INSTANCE_ID", a.said())
        self.wait_for_shares([b], topic, 2)

    def test_cooperative_members_keep_what_they_keep(self):
        topic = self.topic()
        cooperative = ("--assignor", "cooperative-sticky")
        a = self.start(topic, *cooperative)
        self.wait_for_shares([a], topic, 6)
        lines = self.produce(topic, 300)
        self.wait_for_lines([a], 300)
        b = self.start(topic, *cooperative)
        c = self.start(topic, *cooperative)
        self.wait_for_shares([a, b, c], topic, 6)
        self.assertEqual([len(member.owned()) for member in (a, b, c)], [2, 2, 2])
        gone = [line for line in a.said().splitlines() if line.startswith("gave back")]
        kept = {f"{number}" for _, number in a.owned()}
        for line in gone:
            self.assertFalse(kept & set(re.split("[:,]", line)), line)
        lines += self.produce(topic, 600)
        self.wait_for_lines([a, b, c], 900)
        for member in (a, b, c):
            self.assertEqual(member.end(), 0)
        self.assertEqual(sorted(self.all_lines([a, b, c])), lines)

    def test_several_topics_in_one_group(self):
        one, two = self.topic(2, self.name + "-1"), self.topic(2, self.name + "-2")
        lines = self.produce(one, 50) + self.produce(two, 50)
        found = self.cli("consume", "-g", self.name, one, two, "-o", "start", "-e").stdout.decode().split()
        self.assertEqual(sorted(found), lines)

    def test_mixed_group_with_librdkafka(self):
        """Ours and confluent-kafka's share the partitions, whoever leads."""
        from confluent_kafka import Consumer

        topic = self.topic()
        for strategy, ours in (("range", "range"), ("cooperative-sticky", "cooperative-sticky")):
            with self.subTest(strategy=strategy):
                group = f"{self.name}-{strategy}"
                theirs = Consumer({"bootstrap.servers": self.broker.address, "group.id": group,
                                   "partition.assignment.strategy": strategy, "auto.offset.reset": "earliest"})
                try:
                    theirs.subscribe([topic])
                    member = self.start(topic, "--assignor", ours, group=group)

                    def shared():
                        theirs.poll(0.05)
                        mine = {number for _, number in member.owned()}
                        other = {partition.partition for partition in theirs.assignment()}
                        return len(mine) == 3 and len(other) == 3 and mine | other == set(range(6))

                    wait_until(shared, 60, "halves")
                    described = self.json("group", "describe", group)[0]
                    self.assertEqual(described["assignor"], strategy)
                    self.assertEqual(sorted(len(m["assignment"]) for m in described["members"]), [3, 3])
                finally:
                    theirs.close()
                self.wait_for_shares([member], topic, 6)
                self.assertEqual(member.end(), 0)

    def test_command_lines_that_make_no_sense(self):
        topic = self.topic(1)
        self.assert_fails(EXIT_NOT_FOUND, "UNKNOWN_TOPIC_OR_PARTITION", "consume", "-g", "g", "no-such-topic", "-e")
        self.assert_fails(EXIT_USAGE, "drop -p or -g", "consume", "-g", "g", topic, "-p", "0")
        self.assert_fails(EXIT_USAGE, "sluice group seek g --to 5", "consume", "-g", "g", topic, "-o", "5")
        self.assert_fails(EXIT_USAGE, "add -g", "consume", topic, "--no-commit")
        self.assert_fails(EXIT_USAGE, "join a group with -g", "consume", topic, topic)
        self.assert_fails(EXIT_USAGE, "--assignor odd", "consume", "-g", "g", topic, "--assignor", "odd")
        self.assert_fails(EXIT_FAILED, "session_timeout", "consume", "-g", "g", topic, "--session-timeout", "0.1")

    def test_example_of_the_library_shares_with_the_command_line(self):
        topic = self.topic()
        lines = self.produce(topic, 300)
        member = self.start(topic)
        self.wait_for_shares([member], topic, 6)
        self.wait_for_lines([member], 300)
        example = subprocess.Popen([BIN / "sluice_group_example", self.broker.address, self.name, topic],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            wait_until(lambda: len(member.owned()) == 3, 60, "half of the partitions")
            lines += self.produce(topic, 300)
            self.assertEqual(member.end(), 0)
            more = self.produce(topic, 1)
            seen = []
            while more[0] not in seen:
                line = example.stdout.readline().decode().strip()
                self.assertTrue(line, example.stderr.read() if example.poll() is not None else "")
                seen.append(line)
            example.send_signal(signal.SIGTERM)
            seen += example.stdout.read().decode().split()
            self.assertEqual(example.wait(30), 0)
        finally:
            if example.poll() is None:
                example.kill()
                example.wait()
            example.stdout.close()
            example.stderr.close()
        self.assertEqual(sorted(member.lines() + seen), sorted(lines + more))

    # `sluice group`.

    def test_list_and_describe_tell_what_is_there(self):
        topic = self.topic()
        a, b = self.start(topic, "--instance-id", "one"), self.start(topic)
        self.wait_for_shares([a, b], topic, 6)
        listed = {group["group"]: group for group in self.json("group", "list")[0]}
        self.assertEqual(listed[self.name]["state"], "Stable")
        self.assertEqual(listed[self.name]["protocol_type"], "consumer")
        self.assertIn(self.name, [group["group"] for group in self.json("group", "list", "--state", "Stable")[0]])
        self.assertNotIn(self.name, [group["group"] for group in self.json("group", "list", "--state", "Empty")[0]])
        described = self.json("group", "describe", self.name)[0]
        self.assertEqual((described["state"], described["assignor"]), ("Stable", "range"))
        self.assertEqual({member["instance_id"] for member in described["members"]}, {"one", None})
        assigned = [(p["topic"], p["partition"]) for m in described["members"] for p in m["assignment"]]
        self.assertEqual(sorted(assigned), [(topic, i) for i in range(6)])
        self.assertEqual({m["client_id"] for m in described["members"]}, {"sluice-cli"})
        text = self.cli("group", "describe", self.name).stdout.decode()
        self.assertIn(f"{topic}:0,1,2", text)
        self.assertEqual((a.end(), b.end()), (0, 0))
        self.assert_fails(EXIT_NOT_FOUND, "sluice group list", "group", "describe", "no-such-group")

    def test_lag_in_records_and_seconds(self):
        topic = self.topic(2)
        now_ms = int(time.time() * 1000)
        text = "".join(f'{{"value":"{i}","partition":0,"timestamp":{now_ms - 60_000 + i}}}\n' for i in range(10))
        self.cli("produce", topic, "--json", input=text.encode())
        self.read(topic, "-n", "4")
        found = self.lag()
        self.assertEqual(found["lag"], 6)
        self.assertTrue(55 < found["seconds"] < 120, found)
        by_number = {partition["partition"]: partition for partition in found["partitions"]}
        self.assertEqual((by_number[0]["committed"], by_number[0]["end"], by_number[0]["lag"]), (4, 10, 6))
        self.read(topic)
        found = self.lag()
        self.assertEqual((found["lag"], found["seconds"]), (0, 0))
        member = self.start(topic)
        self.wait_for_shares([member], topic, 2)
        self.assertIn("sluice-cli/", self.lag()["partitions"][0]["member"])
        self.assertEqual(member.end(), 0)
        self.assertIn("lag 0", self.cli("group", "lag", self.name).stdout.decode())
        self.assert_fails(EXIT_NOT_FOUND, "GROUP_ID_NOT_FOUND", "group", "lag", "no-such-group")

    def test_watched_lag_is_told_again_and_again(self):
        topic = self.topic(1)
        self.produce(topic, 5)
        self.read(topic)
        command = [BIN / "sluice", "-b", self.broker.address, "--format", "json", "group", "lag", self.name, "--watch",
                   "--interval", "0.05"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            try:
                self.assertEqual(json.loads(process.stdout.readline())["lag"], 0)
                self.produce(topic, 3)
                lags = []
                while not lags or (lags[-1] != 3 and len(lags) < 500):
                    lags.append(json.loads(process.stdout.readline())["lag"])
                self.assertEqual(lags[-1], 3)
                process.send_signal(signal.SIGINT)
                process.stdout.read()
                self.assertEqual(process.wait(30), 0, process.stderr.read())
            finally:
                if process.poll() is None:
                    process.kill()

    def seek(self, *arguments, group=None):
        found = self.json("group", "seek", group or self.name, *arguments)[0]
        return {p["partition"]: (p["before"], p["after"]) for p in found["partitions"]}

    def test_seek_shows_and_then_does(self):
        topic = self.topic(2)
        for partition in (0, 1):
            self.produce(topic, 10, partition)
        self.read(topic)
        self.assertEqual(self.seek("--to", "start"), {0: (10, 0), 1: (10, 0)})
        self.assertEqual(self.lag()["lag"], 0)  # Only shown.
        result = self.cli("group", "seek", self.name, "--to", "start")
        self.assertIn("say --execute", result.stderr.decode())
        self.assertEqual(self.seek("--to", "start", "--execute"), {0: (10, 0), 1: (10, 0)})
        self.assertEqual(self.lag()["lag"], 20)
        self.assertEqual(len(self.read(topic)), 20)
        self.assertEqual(self.seek("--to", "-3", "-t", f"{topic}:1", "--execute"), {1: (10, 7)})
        self.assertEqual(self.seek("--shift", "-2", "--execute"), {0: (10, 8), 1: (7, 5)})
        self.assertEqual(self.seek("--shift", "1000", "--execute"), {0: (8, 10), 1: (5, 10)})
        self.assertEqual(self.seek("--to", "4", "-t", topic, "--execute"), {0: (10, 4), 1: (10, 4)})
        self.assertEqual(self.seek("--to", "@-1h", "--execute"), {0: (4, 0), 1: (4, 0)})
        self.assertEqual(self.seek("--to", "end", "--execute"), {0: (0, 10), 1: (0, 10)})
        file = self.work / "offsets.csv"
        file.write_text(f"# a comment\n{topic},0,3\n{topic},1,99\n")
        self.assertEqual(self.seek("--from-file", str(file), "--execute"), {0: (10, 3), 1: (10, 10)})
        self.assertEqual(len(self.read(topic)), 7)

    def test_seek_makes_a_group_that_is_not_there(self):
        topic = self.topic(2)
        lines = self.produce(topic, 10, 0)
        self.assertEqual(self.seek("--to", "4", "-t", topic, "--execute"), {0: (None, 4), 1: (None, 0)})
        self.assertEqual(self.read(topic), lines[4:])

    def test_seek_refuses_a_group_in_use_and_names_who_uses_it(self):
        topic = self.topic(2)
        member = self.start(topic, "--instance-id", "worker-7")
        self.wait_for_shares([member], topic, 2)
        said = self.assert_fails(EXIT_FAILED, "it is in use", "group", "seek", self.name, "--to", "start", "-t", topic,
                                 "--execute")
        self.assertIn("sluice-cli on 127.0.0.1 (worker-7)", said)
        self.assertIn(f"{topic}:0,1", said)
        shown = self.cli("group", "seek", self.name, "--to", "start", "-t", topic)
        self.assertIn("would be refused", shown.stderr.decode())
        self.assert_fails(EXIT_FAILED, "worker-7", "group", "delete", self.name, "--yes")
        self.assertEqual(member.end(), 0)

    def test_seek_needs_to_know_where(self):
        topic = self.topic(1)
        self.produce(topic, 1)
        self.read(topic)
        self.assert_fails(EXIT_USAGE, "exactly one of", "group", "seek", self.name)
        self.assert_fails(EXIT_USAGE, "exactly one of", "group", "seek", self.name, "--to", "end", "--shift", "1")
        self.assert_fails(EXIT_USAGE, "offset \"soon\"", "group", "seek", self.name, "--to", "soon")
        self.assert_fails(EXIT_NOT_FOUND, "name what to set with --topic", "group", "seek", "nobody", "--to", "end")
        self.assert_fails(EXIT_NOT_FOUND, "does not exist", "group", "seek", self.name, "--to", "end", "-t", f"{topic}:7")
        self.assert_fails(EXIT_NOT_FOUND, "cannot be read", "group", "seek", self.name, "--from-file", "/no/such/file")
        file = self.work / "bad.csv"
        file.write_text(f"{topic},0\n")
        self.assert_fails(EXIT_USAGE, "line 1", "group", "seek", self.name, "--from-file", str(file))

    def test_delete_asks_and_deletes(self):
        topic = self.topic(1)
        self.produce(topic, 1)
        self.read(topic)
        self.assert_fails(EXIT_USAGE, "say --yes", "group", "delete", self.name, stdin=subprocess.DEVNULL)
        self.assertIn(self.name, [group["group"] for group in self.json("group", "list")[0]])
        self.cli("group", "delete", self.name, "--yes")
        self.assertNotIn(self.name, [group["group"] for group in self.json("group", "list")[0]])
        self.assert_fails(EXIT_NOT_FOUND, "GROUP_ID_NOT_FOUND", "group", "delete", self.name, "--yes")

    def test_completion_knows_the_groups(self):
        topic = self.topic(1)
        self.produce(topic, 1)
        self.read(topic)
        script = ('source <(sluice completion bash); COMP_WORDS=({words} ""); COMP_CWORD={at}; _sluice; '
                  'printf "%s\\n" "${{COMPREPLY[@]}}"')
        environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}", "SLUICE_BROKERS": self.broker.address}

        def offered(*words):
            filled = script.format(words=" ".join(("sluice",) + words), at=len(words) + 1)
            # The script gives up on a broker that is slow for a moment.
            wait_until(lambda: self.name in run(["bash", "-c", filled], env=environment).stdout.decode().split(), 30,
                       f"completion of {words}")

        for words in (("group", "describe"), ("group", "lag"), ("group", "seek"), ("group", "delete"), ("consume", "-g")):
            offered(*words)
