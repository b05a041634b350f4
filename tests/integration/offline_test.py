"""A log dir that fails and a log that is damaged go offline; the others serve, and the exit code says so.

The sync error is injected with strace's `inject`, or made by shutting a loop-mounted ext4 down (root); what the machine cannot do
is skipped in words.
"""

import fcntl
import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from grpc_client import GrpcClient
from sluice_test import Broker, BrokerFailed, run, run_cli, wait_until

STORAGE_FAILED = 3
EXT4_IOC_SHUTDOWN = 0x8004587D
EXT4_SHUTDOWN_NOLOGFLUSH = 2


def two_dirs(broker_data, second):
    return {"log__dirs": f"{broker_data}/log,{second}"}


def produce(broker, topic, partition, lines, check=True):
    """By kcat, to that partition; an acknowledgement of the disk or an error within 5 s."""
    return run(["kcat", "-b", broker.address, "-P", "-t", topic, "-p", str(partition), "-X", "acks=all",
                "-X", "message.timeout.ms=5000"], input="".join(f"{line}\n" for line in lines).encode(), check=check)


def consume(broker, topic, partition):
    return run(["kcat", "-b", broker.address, "-C", "-q", "-t", topic, "-p", str(partition), "-o", "beginning", "-e"],
               seconds=60).stdout.decode().split()


def describe(broker, topic):
    return json.loads(run_cli(broker, "topic", "describe", topic, "--format", "json").stdout)["partitions"]


def end_of(broker, seconds=60):
    """SIGTERM, and the exit code."""
    broker.process.send_signal(signal.SIGTERM)
    code = broker.process.wait(seconds)
    broker.process = None
    return code


def shut_down(point):
    """As if the disk were pulled out: every write and sync from now on fails."""
    fd = os.open(point, os.O_RDONLY)
    try:
        fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, EXT4_SHUTDOWN_NOLOGFLUSH.to_bytes(4, "little"))
    finally:
        os.close(fd)


class Offline(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="sluice-test."))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def mount(self):
        """A loop-mounted ext4 of 64 MiB: its mount point."""
        if os.geteuid() != 0:
            self.skipTest("mounting a file system takes root")
        self.image = self.directory / "disk.img"
        with open(self.image, "wb") as image:
            image.truncate(64 << 20)
        run(["mkfs.ext4", "-q", "-F", self.image])
        point = self.directory / "mnt"
        point.mkdir()
        mounted = run(["mount", "-o", "loop", self.image, point], check=False)
        if mounted.returncode != 0:
            self.skipTest(f"no loop device here: {mounted.stderr.decode().strip()}")
        self.addCleanup(run, ["umount", point], check=False)
        return point

    def test_a_disk_that_dies_takes_its_log_dir_and_no_other(self):
        point = self.mount()
        second = point / "log"
        with Broker(data=self.directory, **two_dirs(self.directory, second)) as broker:
            run_cli(broker, "topic", "create", "orders", "--partitions", "2")
            by_dir = {0: [], 1: []}
            for partition in (0, 1):
                by_dir[partition] = [f"{partition}-{i}" for i in range(50)]
                produce(broker, "orders", partition, by_dir[partition])
            bad = 0 if (second / "orders-0").is_dir() else 1
            good = 1 - bad
            shut_down(point)
            self.assertNotEqual(produce(broker, "orders", bad, ["lost"], check=False).returncode, 0)
            wait_until(lambda: "a sync failed, so it is offline" in broker.log(), 20, "word of the failed log dir")
            self.assertIn(f"log dir {second}", broker.log())
            # The other serves, and new topics go there.
            produce(broker, "orders", good, ["more"])
            self.assertEqual(consume(broker, "orders", good), by_dir[good] + ["more"])
            run_cli(broker, "topic", "create", "new")
            produce(broker, "new", 0, ["here"])
            self.assertTrue((self.directory / "log" / "new-0").is_dir())
            # Everybody is told.
            partitions = describe(broker, "orders")
            self.assertEqual((partitions[bad]["leader"], partitions[bad]["offline"]), (-1, True))
            self.assertFalse(partitions[good]["offline"])
            self.assertIn(f"orders-{bad}", json.loads(run_cli(broker, "status", "--format", "json").stdout)["offline_partitions"])
            self.assertIn("OFFLINE", run_cli(broker, "topic", "describe", "orders").stdout.decode())
            client = GrpcClient(broker.grpc_address)
            cluster = client.admin.DescribeCluster(client.admin_pb.DescribeClusterRequest())
            self.assertEqual([entry.path for entry in cluster.offline_log_dirs], [str(second)])
            client.close()
            # Stopped in order, and yet not well.
            self.assertEqual(end_of(broker), STORAGE_FAILED, broker.log())
            self.assertFalse((second / "clean-shutdown").exists())
            self.assertTrue((self.directory / "log" / "clean-shutdown").exists())
            # What was acknowledged is there when the disk is back.
            run(["umount", point])
            run(["mount", "-o", "loop", self.image, point])
            broker.start()
            self.assertEqual(consume(broker, "orders", bad)[:50], by_dir[bad])
            produce(broker, "orders", bad, ["again"])
            broker.stop()

    def test_when_the_first_log_dir_dies_topics_stay_as_they_are_and_the_others_serve(self):
        point = self.mount()
        first = point / "log"
        second = self.directory / "second"
        with Broker(data=self.directory, log__dirs=f"{first},{second}") as broker:
            run_cli(broker, "topic", "create", "orders", "--partitions", "2")
            bad = 0 if (first / "orders-0").is_dir() else 1
            produce(broker, "orders", bad, ["kept"])  # Makes room for the next, so that it comes to a sync.
            shut_down(point)
            self.assertNotEqual(produce(broker, "orders", bad, ["lost"], check=False).returncode, 0)
            wait_until(lambda: "a sync failed, so it is offline" in broker.log(), 20, "word of the failed log dir")
            refused = run_cli(broker, "topic", "create", "new", check=False)
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn("the log dir that holds it is offline", refused.stderr.decode())
            produce(broker, "orders", 1 - bad, ["served"])
            self.assertEqual(consume(broker, "orders", 1 - bad), ["served"])
            self.assertEqual(end_of(broker), STORAGE_FAILED, broker.log())
            run(["umount", point])
            run(["mount", "-o", "loop", self.image, point])
            broker.start()
            self.assertEqual(consume(broker, "orders", 1 - bad), ["served"])
            self.assertEqual(consume(broker, "orders", bad)[0], "kept")
            run_cli(broker, "topic", "create", "new")
            broker.stop()

    def test_a_log_dir_that_cannot_be_opened_is_offline_from_the_start(self):
        point = self.mount()
        second = point / "log"
        with Broker(data=self.directory, **two_dirs(self.directory, second)) as broker:
            run_cli(broker, "topic", "create", "orders", "--partitions", "2")
            for partition in (0, 1):
                produce(broker, "orders", partition, [f"{partition}"])
            bad = 0 if (second / "orders-0").is_dir() else 1
            broker.stop()
            run(["mount", "-o", "remount,ro", point])
            broker.start()
            self.assertIn(f"log dir {second} could not be opened and is offline", broker.log())
            self.assertIn("1 log dirs OFFLINE", broker.log())
            self.assertTrue(describe(broker, "orders")[bad]["offline"])
            self.assertEqual(consume(broker, "orders", 1 - bad), [f"{1 - bad}"])
            self.assertFalse((self.directory / "log" / f"orders-{bad}").exists())
            broker.stop()
            run(["mount", "-o", "remount,rw", point])
            broker.start()
            self.assertEqual(consume(broker, "orders", bad), [f"{bad}"])
            broker.stop()
            # With no other log dir there is nothing to go on with.
            run(["mount", "-o", "remount,ro", point])
            with self.assertRaises(BrokerFailed) as failed:
                Broker(data=self.directory, log__dirs=str(second))
            self.assertEqual(failed.exception.returncode, 1)

    @unittest.skipUnless(shutil.which("strace"), "injecting errors takes strace")
    def test_the_last_log_dir_to_fail_ends_the_process(self):
        # Some syncs of the start succeed; then every one fails.
        wrapper = ["strace", "-f", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=200+"]
        try:
            broker = Broker(data=self.directory, wrapper=wrapper)
        except BrokerFailed as failed:
            self.skipTest(f"strace cannot trace here: {failed}")
        with broker:
            run_cli(broker, "topic", "create", "orders")
            acked = 0
            for i in range(400):
                if produce(broker, "orders", 0, [str(i)], check=False).returncode != 0:
                    break
                acked += 1
            self.assertEqual(broker.process.wait(30), STORAGE_FAILED)
            self.assertIn("no log dir is left: stopping", broker.log())
            broker.process = None
            broker.wrapper = []
            broker.start()
            self.assertEqual(consume(broker, "orders", 0)[:acked], [str(i) for i in range(acked)])
            broker.stop()

    def test_a_damaged_partition_is_refused_in_words_and_the_others_are_served(self):
        # A journal would put back what is damaged here.
        with Broker(data=self.directory, sluice__sync__method="segment") as broker:
            run_cli(broker, "topic", "create", "orders", "--partitions", "2")
            for partition in (0, 1):
                for i in range(5):
                    produce(broker, "orders", partition, [f"{partition}-{i}"])
            broker.kill()
            segment = self.directory / "log" / "orders-0" / f"{0:020d}.log"
            with open(segment, "r+b") as file:
                file.seek(70)
                byte = file.read(1)
                file.seek(70)
                file.write(bytes([byte[0] ^ 4]))
            for _ in range(2):  # The second start refuses it in the same words, without a walk.
                broker.start()
                self.assertIn(f"partition orders-0 is offline: {segment}: byte 0:", broker.log())
                self.assertIn(f"sluice log repair {segment.parent}", broker.log())
                self.assertTrue((segment.parent / "damaged").exists())
                self.assertTrue(describe(broker, "orders")[0]["offline"])
                self.assertEqual(consume(broker, "orders", 1), [f"1-{i}" for i in range(5)])
                client = GrpcClient(broker.grpc_address)
                topic = client.admin.DescribeTopic(client.admin_pb.DescribeTopicRequest(name="orders"))
                self.assertIn("byte 0:", topic.partitions[0].offline_reason)
                self.assertEqual(topic.partitions[1].offline_reason, "")
                with self.assertRaises(Exception) as refused:
                    client.log.Append(client.log_pb.AppendRequest(topic="orders", partition=0,
                                                                  records=[client.common_pb.Record(value=b"x")]))
                self.assertEqual(refused.exception.code().name, "DATA_LOSS")
                client.close()
                broker.stop()
            broker.start()
            run_cli(broker, "topic", "delete", "orders")
            self.assertFalse(segment.parent.exists())
            broker.stop()


if __name__ == "__main__":
    unittest.main()
