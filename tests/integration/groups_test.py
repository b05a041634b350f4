"""Consumer groups with real members: librdkafka's Python client and kcat. Every record is read once while members come, leave
and are killed, and an acknowledged commit is there after kill -9 of the broker."""

import collections
import pathlib
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from sluice_test import Broker, run, run_cli, wait_until

try:
    from confluent_kafka import Consumer, KafkaException, TopicPartition
except ImportError:
    Consumer = None

# Quick sessions, and no wait for members that do not come.
QUICK = {"group__initial__rebalance__delay__ms": 0, "group__min__session__timeout__ms": 500}


class Member(threading.Thread):
    """Reads and commits until it is told to leave; `records` are the values that it read, in order."""

    def __init__(self, address, group, topic, **settings):
        super().__init__(daemon=True)
        self.records = []
        self.assigned = set()
        self.leaving = threading.Event()
        self.consumer = Consumer({"bootstrap.servers": address, "group.id": group, "auto.offset.reset": "earliest",
                                  "enable.auto.commit": False, "session.timeout.ms": 2000, "heartbeat.interval.ms": 200,
                                  "log_level": 0, **settings})
        self.consumer.subscribe([topic])
        self.start()

    def run(self):
        while not self.leaving.is_set():
            message = self.consumer.poll(0.1)
            if message is not None and message.error() is None:
                self.records.append(message.value().decode())
                self.consumer.commit(message=message, asynchronous=False)
            self.assigned = {part.partition for part in self.consumer.assignment()}
        self.consumer.close()

    def leave(self):
        self.leaving.set()
        self.join(30)


def produce(broker, topic, first, count):
    text = "".join(f"{i}:{i}\n" for i in range(first, first + count))
    run_cli(broker, "produce", topic, "-k", ":", input=text.encode())


def partitions_of(members):
    return sorted(part for member in members for part in member.assigned)


@unittest.skipIf(Consumer is None, "python3-confluent-kafka is not installed")
class GroupMembersTest(unittest.TestCase):
    def test_every_record_is_read_once_while_members_come_and_leave(self):
        with Broker(**QUICK) as broker:
            run_cli(broker, "topic", "create", "orders", "-p", "6")
            members = []
            read = lambda: sum(len(member.records) for member in members)
            for count in (1, 2, 3):
                members.append(Member(broker.address, "shop", "orders"))
                running = [member for member in members if not member.leaving.is_set()]
                wait_until(lambda: partitions_of(running) == [0, 1, 2, 3, 4, 5] and all(m.assigned for m in running), 30,
                           f"all partitions with {count} members")
                produce(broker, "orders", 100 * (count - 1), 100)
                wait_until(lambda: read() >= 100 * count, 30, "records read")
            members[0].leave()
            wait_until(lambda: partitions_of(members[1:]) == [0, 1, 2, 3, 4, 5], 30, "partitions taken over")
            produce(broker, "orders", 300, 100)
            wait_until(lambda: read() >= 400, 30, "records read")
            for member in members[1:]:
                member.leave()
            counts = collections.Counter(value for member in members for value in member.records)
            self.assertEqual(sorted(counts, key=int), [str(i) for i in range(400)])
            self.assertEqual(set(counts.values()), {1})

    def test_a_member_that_is_killed_is_replaced(self):
        with Broker(**QUICK) as broker:
            run_cli(broker, "topic", "create", "orders", "-p", "2")
            victim = subprocess.Popen(["kcat", "-b", broker.address, "-u", "-G", "shop", "-q", "-X", "session.timeout.ms=1000", "-X",
                                       "heartbeat.interval.ms=100", "-o", "beginning", "orders"], stdout=subprocess.PIPE, text=True)
            try:
                produce(broker, "orders", 0, 10)
                self.assertTrue(victim.stdout.readline())
                survivor = Member(broker.address, "shop", "orders")
                wait_until(lambda: len(survivor.assigned) == 1, 30, "a share for the second member")
                victim.kill()
                wait_until(lambda: len(survivor.assigned) == 2, 30, "the partitions of the killed member")
                survivor.leave()
            finally:
                victim.kill()
                victim.wait()
                victim.stdout.close()

    def test_a_static_member_keeps_its_partitions_while_it_is_away(self):
        with Broker(**QUICK) as broker:
            run_cli(broker, "topic", "create", "orders", "-p", "4")
            settings = {"session.timeout.ms": 30000}
            stays = Member(broker.address, "shop", "orders", **{"group.instance.id": "a"}, **settings)
            goes = Member(broker.address, "shop", "orders", **{"group.instance.id": "b"}, **settings)
            wait_until(lambda: len(stays.assigned) == 2 and len(goes.assigned) == 2, 30, "two shares")
            had = set(goes.assigned)
            goes.leave()
            comes = Member(broker.address, "shop", "orders", **{"group.instance.id": "b"}, **settings)
            wait_until(lambda: comes.assigned == had, 30, "the same share for the same name")
            self.assertEqual(len(stays.assigned), 2)
            comes.leave()
            stays.leave()


@unittest.skipIf(Consumer is None, "python3-confluent-kafka is not installed")
class CommitsTest(unittest.TestCase):
    def test_acknowledged_commits_survive_kill_9_and_never_go_back(self):
        with Broker(**QUICK) as broker:
            run_cli(broker, "topic", "create", "orders")
            acknowledged = 0
            kills = 0
            for _ in range(8):
                consumer = Consumer({"bootstrap.servers": broker.address, "group.id": "shop", "log_level": 0,
                                     "enable.auto.commit": False})
                place = TopicPartition("orders", 0)
                found = consumer.committed([place], timeout=20)[0].offset
                self.assertGreaterEqual(max(found, 0), acknowledged)
                acknowledged = max(found, 0)

                def kill_and_start(goal=acknowledged + 20):
                    """In the middle of commits: some are on their way, some are answered."""
                    nonlocal kills
                    wait_until(lambda: acknowledged >= goal, 60, "commits before a kill")
                    broker.kill()
                    broker.start()
                    kills += 1

                killer = threading.Thread(target=kill_and_start)
                killer.start()
                while killer.is_alive():  # Bounded: the broker is back within seconds.
                    try:
                        consumer.commit(offsets=[TopicPartition("orders", 0, acknowledged + 1)], asynchronous=False)
                        acknowledged += 1
                    except KafkaException:
                        pass
                killer.join()
                consumer.close()
            self.assertEqual(kills, 8)

    def test_a_group_goes_on_where_it_was(self):
        with Broker(**QUICK) as broker:
            run_cli(broker, "topic", "create", "orders")
            produce(broker, "orders", 0, 50)
            reader = ["kcat", "-b", broker.address, "-G", "shop", "-q", "-e", "-X", "auto.offset.reset=earliest", "orders"]
            self.assertEqual(len(run(reader).stdout.split()), 50)
            broker.stop()
            broker.start()
            produce(broker, "orders", 50, 5)
            self.assertEqual(run(reader).stdout.split(), [b"50", b"51", b"52", b"53", b"54"])


if __name__ == "__main__":
    unittest.main()
