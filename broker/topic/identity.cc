#include "broker/topic/identity.h"

#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "broker/topic/stored_proto.h"
#include "sluice/internal/metadata.pb.h"

namespace sluice::broker {
namespace {

constexpr absl::string_view kClusterIdKey = "/cluster/id";

}  // namespace

absl::StatusOr<Uuid> ClusterId(storage::MetadataStore& store, Random& random, Clock& clock) {
  ASSIGN_OR_RETURN(auto stored, ReadStored<internal::ClusterRecord>(store, kClusterIdKey));
  Uuid id;
  if (stored.revision != 0) {
    return ReadUuidBytes(stored.message.cluster_id(), &id) ? absl::StatusOr<Uuid>(id)
                                                           : DamagedMetadata(kClusterIdKey);
  }
  id = Uuid::Generate(random);
  stored.message.set_cluster_id(UuidBytes(id));
  stored.message.set_created_ms(clock.NowMs());
  RETURN_IF_ERROR(WriteStored(store, kClusterIdKey, stored));
  return id;
}

absl::StatusOr<LeaderEpoch> NextBootEpoch(storage::MetadataStore& store, NodeId node_id,
                                          absl::string_view version, Clock& clock) {
  const std::string key = absl::StrCat("/brokers/", node_id.value(), "/boot");
  ASSIGN_OR_RETURN(auto stored, ReadStored<internal::BootRecord>(store, key));
  const int32_t boots = stored.message.leader_epoch();
  if (boots < 0 || boots == std::numeric_limits<int32_t>::max()) {
    return DamagedMetadata(key);
  }
  stored.message.set_leader_epoch(boots + 1);
  stored.message.set_started_ms(clock.NowMs());
  stored.message.set_version(std::string(version));
  RETURN_IF_ERROR(WriteStored(store, key, stored));
  return LeaderEpoch(boots + 1);
}

}  // namespace sluice::broker
