// Who the broker is, and where and how it talks to Kafka clients.
#include "broker/config/config_keys.h"

namespace sluice::broker {

using enum ConfigType;

std::vector<ConfigDef> IdentityKeys() {
  return {
      {.name = "node.id",
       .type = kInt,
       .default_value = "1",
       .documentation = "This broker's number: what clients see in metadata.",
       .min = 0},
      {.name = "broker.id",
       .type = kInt,
       .default_value = "",
       .documentation = "The old name of node.id, which wins when both are set.",
       .min = 0},
      {.name = "broker.rack",
       .type = kString,
       .default_value = "",
       .documentation = "The rack that metadata names for this broker. Empty: none."},
  };
}

std::vector<ConfigDef> NetworkKeys() {
  return {
      {.name = "listeners",
       .type = kList,
       .default_value = "PLAINTEXT://127.0.0.1:9092",
       .documentation =
           "Addresses to serve Kafka clients on, as NAME://host:port. No host, or 0.0.0.0: every "
           "address, which sluice.allow.open.listener must permit. Port 0: any free port."},
      {.name = "advertised.listeners",
       .type = kList,
       .default_value = "",
       .documentation =
           "Addresses that clients are told to connect to, as NAME://host:port. Empty: the address "
           "that each client connected to, which is right unless ports are mapped or NAT is between."},
      {.name = "listener.security.protocol.map",
       .type = kList,
       .default_value = "PLAINTEXT:PLAINTEXT",
       .documentation =
           "Security protocol of each listener name, as NAME:PROTOCOL. A name that is missing is "
           "taken for a protocol. PLAINTEXT is the only protocol so far."},
      {.name = "controller.listener.names",
       .type = kList,
       .default_value = "",
       .documentation = "Listeners of these names are not opened: there is no separate controller."},
      {.name = "num.network.threads",
       .type = kInt,
       .default_value = "2",
       .documentation = "Threads that read requests and write responses. A connection stays on one of them.",
       .min = 1,
       .max = 1024},
      {.name = "socket.send.buffer.bytes",
       .type = kInt,
       .default_value = "-1",
       .documentation = "SO_SNDBUF of client sockets. -1: the system's, which grows by itself.",
       .min = -1},
      {.name = "socket.receive.buffer.bytes",
       .type = kInt,
       .default_value = "-1",
       .documentation = "SO_RCVBUF of client sockets. -1: the system's, which grows by itself.",
       .min = -1},
      {.name = "socket.request.max.bytes",
       .type = kInt,
       .default_value = "104857600",
       .documentation = "The largest request; a larger one closes its connection.",
       .min = 1024},
      {.name = "max.request.partition.size.limit",
       .type = kInt,
       .default_value = "2000",
       .documentation = "The most partitions on one page of DescribeTopicPartitions.",
       .min = 1},
      {.name = "socket.listen.backlog.size",
       .type = kInt,
       .default_value = "1024",
       .documentation = "Connections that may wait to be accepted; the system caps it (net.core.somaxconn).",
       .min = 1},
      {.name = "max.connections",
       .type = kInt,
       .default_value = "10000",
       .documentation = "Connections at a time; further ones are closed at once.",
       .min = 1},
      {.name = "max.connections.per.ip",
       .type = kInt,
       .default_value = "2147483647",
       .documentation = "Connections at a time from one address; further ones are closed at once.",
       .min = 1},
      {.name = "connections.max.idle.ms",
       .type = kLong,
       .default_value = "600000",
       .documentation = "A connection without requests for so long is closed. -1: never.",
       .min = -1},
  };
}

}  // namespace sluice::broker
