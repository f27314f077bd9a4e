// The payloads of a session's stream between a GroupClient and a host, beside the batches: claims,
// requests, replies, deliveries. Volatile: both ends run now, so the format has a version octet and
// no more. Decoded contents share the payload's buffer. Pure: any thread.
#pragma once

#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/result.h"
#include "broker/queue/delivery.h"

namespace warren::replica {

// Each carries the sender's catalog index: the leader waits until its own catalog has it.
struct ConsumeRequest {
  CatalogIndex catalog_index;
  queue::Consumer consumer;
};
struct CancelRequest {
  ConsumerNumber number;
};
struct FetchRequest {  // basic.get
  CatalogIndex catalog_index;
  queue::GetRequest get;
};
struct CountsRequest {
  CatalogIndex catalog_index;
  QueueId queue;
};
struct PartRequest {
  MessageId part;  // queue::BodyPart::at
};
// The consumer's socket has taken so many deliveries: more may follow.
struct TakenRequest {
  ConsumerNumber number;
  std::uint64_t messages = 0;
};
// Of a stream: counted from the first on, so that one that comes twice, or late, does no harm.
struct ReadRequest {
  ConsumerNumber number;
  std::uint64_t acknowledged = 0;  // messages, ever
  Ordinal through;                 // everything below is among them
  // Of one that is cancelled by now: whose reading is tracked.
  std::optional<queue::Consumer> cancelled;
};
// Of a stream, from there on: as much as one page takes.
struct BrowseRequest {
  CatalogIndex catalog_index;
  QueueId queue;
  Ordinal from;
};
struct PrefetchRequest {
  ConsumerNumber number;
  std::uint32_t prefetch = 0;  // from now on, as Consumer::prefetch
};
using StreamRequest =
    std::variant<ConsumeRequest, CancelRequest, FetchRequest, CountsRequest, PartRequest,
                 TakenRequest, PrefetchRequest, ReadRequest, BrowseRequest>;

struct CancelReply {};  // to a TakenRequest, a PrefetchRequest and a ReadRequest as well
struct CountsReply {
  queue::QueueCounts counts;
  std::optional<Error> error;
};
struct PartReply {
  std::optional<Bytes> octets;  // nothing: it is gone, with its message
};
struct BrowseReply {
  queue::BrowsedPage page;
  std::optional<Error> error;
};
using StreamReply = std::variant<queue::ConsumeReply, CancelReply, queue::GetReply, CountsReply,
                                 PartReply, BrowseReply>;

struct Deliveries {
  std::vector<queue::Delivery> deliveries;
};
using StreamEvent = std::variant<Deliveries, queue::ConsumerCancelled>;

Bytes encode_claims(std::span<const queue::Claim> claims);
Result<std::vector<queue::Claim>> decode_claims(const Bytes& payload);
Bytes encode_claim_reply(const queue::ClaimReply& reply);
Result<queue::ClaimReply> decode_claim_reply(const Bytes& payload);
Bytes encode_request(const StreamRequest& request);
Result<StreamRequest> decode_request(const Bytes& payload);
Bytes encode_reply(const StreamReply& reply);
Result<StreamReply> decode_reply(const Bytes& payload);
Bytes encode_event(const StreamEvent& event);
Result<StreamEvent> decode_event(const Bytes& payload);

}  // namespace warren::replica
