#include "proto/kafka/error_code.h"

#include <iterator>

namespace sluice::kafka {
namespace {

struct Row {
  absl::string_view name;
  bool is_retriable;
  absl::string_view description;
};

constexpr bool kRetriable = true;
constexpr bool kFatal = false;

// By code, from -1 on, without a gap.
constexpr Row kRows[] = {
    {"UNKNOWN_SERVER_ERROR", kFatal,
     "The broker failed in a way that has no code of its own; its log says more."},
    {"NONE", kFatal, "All went well."},
    {"OFFSET_OUT_OF_RANGE", kFatal,
     "The offset lies before the first or beyond the last that the partition holds."},
    {"CORRUPT_MESSAGE", kRetriable, "A record batch is damaged: its checksum, size or layout is wrong."},
    {"UNKNOWN_TOPIC_OR_PARTITION", kRetriable, "This broker has no such topic or partition."},
    {"INVALID_FETCH_SIZE", kFatal, "The fetch asks for a size that makes no sense."},
    {"LEADER_NOT_AVAILABLE", kRetriable, "The partition has no leader at this moment."},
    {"NOT_LEADER_OR_FOLLOWER", kRetriable,
     "This broker does not lead (or, for a fetch, follow) the partition: refresh the metadata."},
    {"REQUEST_TIMED_OUT", kRetriable, "The request was not done within the time it allowed."},
    {"BROKER_NOT_AVAILABLE", kFatal, "The broker is not available."},
    {"REPLICA_NOT_AVAILABLE", kRetriable, "The replica is not available on this broker."},
    {"MESSAGE_TOO_LARGE", kFatal, "A record batch is larger than the topic's max.message.bytes allows."},
    {"STALE_CONTROLLER_EPOCH", kFatal, "The controller's epoch is older than the one that is known."},
    {"OFFSET_METADATA_TOO_LARGE", kFatal,
     "The metadata stored with an offset is longer than the broker allows."},
    {"NETWORK_EXCEPTION", kRetriable, "The connection broke before the answer came."},
    {"COORDINATOR_LOAD_IN_PROGRESS", kRetriable,
     "The coordinator is still reading its state: try again shortly."},
    {"COORDINATOR_NOT_AVAILABLE", kRetriable, "The coordinator is not available: look it up again."},
    {"NOT_COORDINATOR", kRetriable,
     "This broker does not coordinate that group or transaction: look the coordinator up again."},
    {"INVALID_TOPIC_EXCEPTION", kFatal, "The topic's name is not a legal one."},
    {"RECORD_LIST_TOO_LARGE", kFatal, "The record batch is larger than a segment file may be."},
    {"NOT_ENOUGH_REPLICAS", kRetriable,
     "Fewer replicas are in sync than min.insync.replicas demands; nothing was written."},
    {"NOT_ENOUGH_REPLICAS_AFTER_APPEND", kRetriable,
     "The batch was written, but fewer replicas than demanded have it."},
    {"INVALID_REQUIRED_ACKS", kFatal, "acks must be -1, 0 or 1."},
    {"ILLEGAL_GENERATION", kFatal, "The generation of the group has moved on: join again."},
    {"INCONSISTENT_GROUP_PROTOCOL", kFatal, "The member shares no protocol with the others of its group."},
    {"INVALID_GROUP_ID", kFatal, "The group id is empty or not legal."},
    {"UNKNOWN_MEMBER_ID", kFatal, "The coordinator does not know this member of the group."},
    {"INVALID_SESSION_TIMEOUT", kFatal, "The session timeout is outside what the broker allows."},
    {"REBALANCE_IN_PROGRESS", kFatal, "The group is rebalancing: join again."},
    {"INVALID_COMMIT_OFFSET_SIZE", kFatal, "The offsets to commit do not fit into one record."},
    {"TOPIC_AUTHORIZATION_FAILED", kFatal, "The client may not do this to the topic."},
    {"GROUP_AUTHORIZATION_FAILED", kFatal, "The client may not do this to the group."},
    {"CLUSTER_AUTHORIZATION_FAILED", kFatal, "The client may not do this to the cluster."},
    {"INVALID_TIMESTAMP", kFatal, "A record's timestamp is outside what the topic allows."},
    {"UNSUPPORTED_SASL_MECHANISM", kFatal, "The broker does not offer this SASL mechanism."},
    {"ILLEGAL_SASL_STATE", kFatal, "The request does not fit the state of the SASL exchange."},
    {"UNSUPPORTED_VERSION", kFatal, "The broker does not serve this version of the request."},
    {"TOPIC_ALREADY_EXISTS", kFatal, "A topic of this name exists already."},
    {"INVALID_PARTITIONS", kFatal, "The number of partitions is not a legal one."},
    {"INVALID_REPLICATION_FACTOR", kFatal,
     "The replication factor is below 1 or above the number of brokers."},
    {"INVALID_REPLICA_ASSIGNMENT", kFatal, "The assignment of replicas to brokers is not a legal one."},
    {"INVALID_CONFIG", kFatal, "A configuration key or value is not a legal one."},
    {"NOT_CONTROLLER", kRetriable, "This broker is not the controller: ask the one that is."},
    {"INVALID_REQUEST", kFatal, "The request contradicts itself or the protocol."},
    {"UNSUPPORTED_FOR_MESSAGE_FORMAT", kFatal, "The message format of the topic's records cannot do this."},
    {"POLICY_VIOLATION", kFatal, "A policy of the broker forbids the request."},
    {"OUT_OF_ORDER_SEQUENCE_NUMBER", kFatal,
     "The batch's sequence number does not follow the producer's last one."},
    {"DUPLICATE_SEQUENCE_NUMBER", kFatal, "The batch was written before."},
    {"INVALID_PRODUCER_EPOCH", kFatal,
     "The producer's epoch is not the current one: a newer instance has taken over."},
    {"INVALID_TXN_STATE", kFatal, "The transaction is in a state that does not allow the request."},
    {"INVALID_PRODUCER_ID_MAPPING", kFatal, "The producer id does not belong to this transactional id."},
    {"INVALID_TRANSACTION_TIMEOUT", kFatal, "The transaction timeout is longer than the broker allows."},
    {"CONCURRENT_TRANSACTIONS", kRetriable,
     "Another operation of the same transaction is under way: try again shortly."},
    {"TRANSACTION_COORDINATOR_FENCED", kFatal,
     "A newer transaction coordinator has taken over from the one that asks."},
    {"TRANSACTIONAL_ID_AUTHORIZATION_FAILED", kFatal, "The client may not use this transactional id."},
    {"SECURITY_DISABLED", kFatal, "The broker runs without the security feature that the request needs."},
    {"OPERATION_NOT_ATTEMPTED", kFatal,
     "The operation was not tried, because another of the same request failed."},
    {"KAFKA_STORAGE_ERROR", kRetriable, "The disk under the log failed or is full."},
    {"LOG_DIR_NOT_FOUND", kFatal, "The broker has no such log directory."},
    {"SASL_AUTHENTICATION_FAILED", kFatal,
     "The credentials are wrong, or the authentication failed otherwise."},
    {"UNKNOWN_PRODUCER_ID", kFatal, "The partition has no state for this producer."},
    {"REASSIGNMENT_IN_PROGRESS", kFatal, "The partition's replicas are being moved already."},
    {"DELEGATION_TOKEN_AUTH_DISABLED", kFatal, "Delegation tokens are switched off on this broker."},
    {"DELEGATION_TOKEN_NOT_FOUND", kFatal, "The broker has no such delegation token."},
    {"DELEGATION_TOKEN_OWNER_MISMATCH", kFatal,
     "Only the owner or a renewer of the delegation token may do this."},
    {"DELEGATION_TOKEN_REQUEST_NOT_ALLOWED", kFatal,
     "Delegation tokens cannot be asked for over this kind of connection."},
    {"DELEGATION_TOKEN_AUTHORIZATION_FAILED", kFatal, "The client may not do this to the delegation token."},
    {"DELEGATION_TOKEN_EXPIRED", kFatal, "The delegation token has expired."},
    {"INVALID_PRINCIPAL_TYPE", kFatal, "The broker does not support this type of principal."},
    {"NON_EMPTY_GROUP", kFatal, "The group still has members."},
    {"GROUP_ID_NOT_FOUND", kFatal, "The broker has no such group."},
    {"FETCH_SESSION_ID_NOT_FOUND", kRetriable, "The broker has no such fetch session: begin a new one."},
    {"INVALID_FETCH_SESSION_EPOCH", kRetriable,
     "The request is out of step with its fetch session: begin a new one."},
    {"LISTENER_NOT_FOUND", kRetriable, "The leader has no listener of the name that the client came in by."},
    {"TOPIC_DELETION_DISABLED", kFatal, "The broker is configured to refuse the deletion of topics."},
    {"FENCED_LEADER_EPOCH", kRetriable,
     "The client's leader epoch is older than the broker's: refresh the metadata."},
    {"UNKNOWN_LEADER_EPOCH", kRetriable,
     "The client's leader epoch is newer than the broker's: try again shortly."},
    {"UNSUPPORTED_COMPRESSION_TYPE", kFatal,
     "The topic or the request's version does not allow this compression."},
    {"STALE_BROKER_EPOCH", kFatal, "The broker's epoch has changed: it was restarted."},
    {"OFFSET_NOT_AVAILABLE", kRetriable, "The leader cannot tell the offset yet: try again shortly."},
    {"MEMBER_ID_REQUIRED", kFatal, "The member must join again with the member id that it was given here."},
    {"PREFERRED_LEADER_NOT_AVAILABLE", kRetriable, "The preferred leader is not available."},
    {"GROUP_MAX_SIZE_REACHED", kFatal, "The group has as many members as it may have."},
    {"FENCED_INSTANCE_ID", kFatal, "Another member with the same group instance id has taken over."},
    {"ELIGIBLE_LEADERS_NOT_AVAILABLE", kRetriable, "No replica that may become leader is available."},
    {"ELECTION_NOT_NEEDED", kRetriable, "The partition has the wanted leader already."},
    {"NO_REASSIGNMENT_IN_PROGRESS", kFatal, "No move of the partition's replicas is under way."},
    {"GROUP_SUBSCRIBED_TO_TOPIC", kFatal,
     "A consumer group that is subscribed to the topic uses its offsets."},
    {"INVALID_RECORD", kFatal, "A record does not satisfy the rules of the topic."},
    {"UNSTABLE_OFFSET_COMMIT", kRetriable,
     "Offsets of a transaction that has not ended stand in the way: try again shortly."},
    {"THROTTLING_QUOTA_EXCEEDED", kRetriable, "The client is over its quota: wait before the next request."},
    {"PRODUCER_FENCED", kFatal, "A newer producer with the same transactional id has taken over."},
    {"RESOURCE_NOT_FOUND", kFatal, "The broker has no such resource."},
    {"DUPLICATE_RESOURCE", kFatal, "The resource exists already, or stands twice in the request."},
    {"UNACCEPTABLE_CREDENTIAL", kFatal, "The credential does not satisfy the broker's demands."},
    {"INCONSISTENT_VOTER_SET", kFatal, "The voters of the request are not those of the quorum."},
    {"INVALID_UPDATE_VERSION", kFatal, "The update's version is not a legal one."},
    {"FEATURE_UPDATE_FAILED", kFatal, "A feature could not be updated."},
    {"PRINCIPAL_DESERIALIZATION_FAILURE", kFatal, "The principal in the forwarded request cannot be read."},
    {"SNAPSHOT_NOT_FOUND", kFatal, "The snapshot does not exist."},
    {"POSITION_OUT_OF_RANGE", kFatal, "The position lies beyond the end of the snapshot."},
    {"UNKNOWN_TOPIC_ID", kRetriable, "This broker has no topic with that id."},
    {"DUPLICATE_BROKER_REGISTRATION", kFatal, "A broker with this id is registered already."},
    {"BROKER_ID_NOT_REGISTERED", kFatal, "No broker with this id is registered."},
    {"INCONSISTENT_TOPIC_ID", kRetriable, "The topic id in the request is not the id of the log."},
    {"INCONSISTENT_CLUSTER_ID", kFatal, "The cluster id in the request is not that of this cluster."},
    {"TRANSACTIONAL_ID_NOT_FOUND", kFatal, "The broker has no such transactional id."},
    {"FETCH_SESSION_TOPIC_ID_ERROR", kRetriable,
     "The fetch session mixes topic names and topic ids: begin a new one."},
    {"INELIGIBLE_REPLICA", kFatal, "The replica may not join the in-sync replicas."},
    {"NEW_LEADER_ELECTED", kFatal, "A new leader was elected while the request ran."},
    {"OFFSET_MOVED_TO_TIERED_STORAGE", kFatal, "The offset has moved to tiered storage."},
    {"FENCED_MEMBER_EPOCH", kFatal,
     "The member's epoch is not the one that the coordinator expects: rejoin."},
    {"UNRELEASED_INSTANCE_ID", kFatal, "The group instance id is still held by another member."},
    {"UNSUPPORTED_ASSIGNOR", kFatal, "The coordinator does not have the assignor that was asked for."},
    {"STALE_MEMBER_EPOCH", kFatal, "The member's epoch is older than the current one: heartbeat first."},
    {"MISMATCHED_ENDPOINT_TYPE", kFatal, "The request came to an endpoint of another type than it names."},
    {"UNSUPPORTED_ENDPOINT_TYPE", kFatal, "The endpoint type is not known here."},
    {"UNKNOWN_CONTROLLER_ID", kFatal, "The controller's id is not known."},
    {"UNKNOWN_SUBSCRIPTION_ID", kFatal, "The telemetry subscription has changed: fetch it again."},
    {"TELEMETRY_TOO_LARGE", kFatal, "The telemetry is larger than the broker accepts."},
    {"INVALID_REGISTRATION", kFatal, "The registration is not a legal one."},
    {"TRANSACTION_ABORTABLE", kFatal, "The transaction must be aborted; the producer may go on after that."},
    {"INVALID_RECORD_STATE", kFatal, "The record is not in a state that allows this acknowledgement."},
    {"SHARE_SESSION_NOT_FOUND", kRetriable, "The broker has no such share session."},
    {"INVALID_SHARE_SESSION_EPOCH", kRetriable, "The request is out of step with its share session."},
    {"FENCED_STATE_EPOCH", kFatal, "The state's epoch is older than the one that is stored."},
    {"INVALID_VOTER_KEY", kFatal, "The voter's key does not match its record."},
    {"DUPLICATE_VOTER", kFatal, "A voter with this id exists already."},
    {"VOTER_NOT_FOUND", kFatal, "The quorum has no such voter."},
    {"INVALID_REGULAR_EXPRESSION", kFatal, "The regular expression cannot be parsed."},
    {"REBOOTSTRAP_REQUIRED", kFatal, "The client must find the cluster again from its bootstrap servers."},
    {"STREAMS_INVALID_TOPOLOGY", kFatal, "The topology of the Streams application is not a legal one."},
    {"STREAMS_INVALID_TOPOLOGY_EPOCH", kFatal, "The topology's epoch is not a legal one."},
    {"STREAMS_TOPOLOGY_FENCED", kFatal, "The topology's epoch is older than the group's."},
    {"SHARE_SESSION_LIMIT_REACHED", kRetriable, "The broker holds as many share sessions as it may."},
    {"GROUP_DELETION_FAILED", kFatal, "The group could not be deleted."},
    {"STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED", kFatal,
     "The description of the topology could not be stored."},
    {"CONTROLLER_ID_NOT_REGISTERED", kFatal, "No controller with this id is registered."},
};
constexpr Row kUnknown = {"UNKNOWN_ERROR_CODE", kFatal, "A code that this version of Sluice does not know."};
constexpr int kFirstCode = -1;

static_assert(std::size(kRows) == static_cast<int>(ErrorCode::kControllerIdNotRegistered) - kFirstCode + 1);

const Row& RowOf(ErrorCode code) {
  const int index = static_cast<int>(code) - kFirstCode;
  return index >= 0 && index < static_cast<int>(std::size(kRows)) ? kRows[index] : kUnknown;
}

}  // namespace

absl::string_view ErrorName(ErrorCode code) {
  return RowOf(code).name;
}

absl::string_view ErrorDescription(ErrorCode code) {
  return RowOf(code).description;
}

bool IsRetriable(ErrorCode code) {
  return RowOf(code).is_retriable;
}

}  // namespace sluice::kafka
