"""Apache Kafka's own broker, for tests that want the reference on the other side: one node in KRaft mode.

    with tempfile.TemporaryDirectory() as directory, ApacheKafka(directory) as kafka:
        run_cli(kafka, "topic", "create", "orders")

Maven fetches the broker (some 50 MB; from its local repository the second time). The directory holds the jars, the
settings and the data; the process is stopped by pid. Ports are chosen once, so clients find a restarted broker.
"""

import base64
import pathlib
import signal
import socket
import subprocess
import uuid

from sluice_test import run, run_cli, wait_until

POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion><groupId>sluice.test</groupId><artifactId>peer</artifactId><version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{version}</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>{version}</version></dependency>
  </dependencies>
</project>
"""

# Small and quick: internal topics of one partition, a log cleaner that looks several times a second, groups that do not
# wait for more members.
SETTINGS = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
log.dirs={log_dir}
auto.create.topics.enable=false
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
group.initial.rebalance.delay.ms=0
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
log.cleaner.backoff.ms=200
"""

JAVA = ("java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


def free_ports(count):
    """Different ports that nobody listened on just now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listening.getsockname()[1] for listening in sockets]
    for listening in sockets:
        listening.close()
    return ports


def fetch_kafka(directory, version):
    """Apache Kafka's jars, by Maven; the folder that they lie in."""
    directory = pathlib.Path(directory)
    (directory / "pom.xml").write_text(POM.format(version=version))
    fetched = run(["mvn", "-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime",
                   "-DoutputDirectory=jars"], check=False, seconds=600, cwd=directory)
    # Maven tells its errors on stdout.
    assert fetched.returncode == 0, f"no Apache Kafka {version}: {fetched.stdout.decode()[:1000]}"
    return directory / "jars"


class ApacheKafka:
    def __init__(self, directory, version, jars=None, settings=None):
        """`jars`: where they were fetched to before; `settings`: more than SETTINGS, by their names."""
        self.directory = pathlib.Path(directory)
        self.process = None
        self.port, controller_port = free_ports(2)
        self.log_dir = self.directory / "data"
        self.settings = self.directory / "server.properties"
        self.settings.write_text(
            SETTINGS.format(port=self.port, controller_port=controller_port, log_dir=self.log_dir)
            + "".join(f"{key}={value}\n" for key, value in (settings or {}).items()))
        self.jars = jars or fetch_kafka(self.directory, version)
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        run(self.java("kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", self.settings))
        self.start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def java(self, *arguments):
        return [*JAVA, "-cp", f"{self.jars}/*", *map(str, arguments)]

    def start(self, seconds=120):
        with open(self.directory / "kafka.log", "ab") as log:
            self.process = subprocess.Popen(self.java("kafka.Kafka", self.settings), stdout=log, stderr=log)
        try:
            wait_until(self.answers, seconds, "answer of Apache Kafka")
        except AssertionError:
            self.kill()
            raise

    def answers(self):
        assert self.process.poll() is None, (self.directory / "kafka.log").read_text()[-2000:]
        return run_cli(self, "status", check=False).returncode == 0

    def stop(self, seconds=60):
        """SIGTERM: an orderly stop."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(seconds)
        self.process = None

    def kill(self):
        """SIGKILL: no clean shutdown, the next start recovers."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process = None

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.process is not None:
            self.kill()
