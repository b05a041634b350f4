"""The clients of the matrix, with the versions that are pinned: name -> how it is installed (install.py)."""

from install import debian, go, java, kcat, npm, pypi

CLIENTS = {
    "kcat": kcat,
    "confluent-kafka-debian": lambda: debian("confluent_kafka/client.py", "confluent_kafka"),
    "kafka-python-debian": lambda: debian("kafka_python/client.py", "kafka"),
    "confluent-kafka": lambda: pypi("confluent_kafka/client.py", "confluent-kafka==2.16.1"),
    "kafka-python": lambda: pypi("kafka_python/client.py", "kafka-python==3.0.12", "python-snappy==0.7.3", "lz4==4.4.5",
                                 "zstandard==0.25.0"),
    "aiokafka": lambda: pypi("aiokafka/client.py", "aiokafka==0.14.0", "cramjam==2.14.0"),
    "kafkajs": lambda: npm("kafkajs/kafkajs.mjs", "kafkajs@2.2.4", "kafkajs-snappy@1.1.0", "lz4-napi@2.10.0"),
    "platformatic": lambda: npm("platformatic/platformatic.mjs", "@platformatic/kafka@2.12.1"),
    "franz-go": lambda: go("franz_go"),
    "java": java,
}

# Compared with when records go from one client to another: it is there whenever the tests are.
COUNTERPART = "confluent-kafka-debian"

# What a client cannot, although it has the function: seen against Apache Kafka itself, so it tells nothing of a broker.
NOTES = {
    ("franz-go", "a static member comes back within its session: nothing moves, KIP-848"):
        "closing a static member says no goodbye, without which nobody may take its place",
    ("platformatic", "a static member comes back within its session: nothing moves, KIP-848"):
        "closing a static member leaves the group for good",
    ("platformatic", "a group goes over to KIP-848 and back while it reads"):
        "its classic member gives up when a commit crosses with the change",
    ("kafka-python", "a static member comes back within its session: nothing moves"): "its static members do not always join",
    ("kafka-python", "two members of one instance id: the older is fenced"): "its static members do not always join",
    ("platformatic", "LogAppendTime: the broker's timestamps"): "it tells the producer's time all the same",
    ("platformatic", "partitions added later are consumed"): "it counts the partitions when it joins",
    ("platformatic", "two members of one instance id: the older is fenced"): "the older one stays without a word",
    ("aiokafka", "two members of one instance id: the older is fenced"): "the older one stays without a word",
    ("kafkajs", "subscription by pattern finds new topics"): "it reads the list of topics once",
    ("kcat", "the broker restarts in good order: nothing missed, nothing doubled"): "it commits by the clock only",
}

# Clients that read some records twice after a rebalance, from Apache Kafka itself too. They must not miss any.
DOUBLES = {
    "platformatic": "it may begin a partition twice after a rebalance, so doubled records are not held against the broker",
}
