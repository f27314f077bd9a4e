// Contents of entries that are asked for: of messages on their way out, and parts of large bodies.
#include <utility>

#include "broker/replica/queue_host_stream.h"

namespace warren::replica {

// From the cache, or on its way: to_read_ is due then.
std::shared_ptr<QueueHost::Wanted> QueueHost::want(EntryIndex entry) {
  if (auto cached = cache_.find(entry))
    return std::make_shared<Wanted>(Wanted{true, std::move(cached)});
  auto& wanted = wanted_[entry];
  if (!wanted) {
    wanted = std::make_shared<Wanted>();
    to_read_.push_back(entry);
  }
  return wanted;
}

// Parts would drive everything else out of the cache, and are asked for once as a rule.
void QueueHost::remember(EntryIndex entry, const std::shared_ptr<const EntryContents>& contents) {
  if (!contents->only_parts) cache_.put(entry, contents);
}

// Whoever holds the message may settle it while it is on its way to him: the octets are given as
// long as they are stored, named or not.
void QueueHost::serve_part(const WaitingRequest& waiting, const PartRequest& request) {
  auto wanted = request.part.entry <= state_.applied()
                    ? want(request.part.entry)
                    : std::make_shared<Wanted>(Wanted{true, nullptr});
  parts_.push_back(
      {waiting.session, waiting.epoch, waiting.id, request.part.slot, std::move(wanted)});
}

void QueueHost::answer_parts() {
  if (!to_read_.empty()) ports_.read_entries(std::exchange(to_read_, {}));
  std::erase_if(parts_, [this](const PendingPart& pending) {
    if (!pending.wanted->arrived) return false;
    Stream* stream = find_stream(pending.session);
    if (stream == nullptr) return true;
    PartReply said;
    const auto& contents = pending.wanted->contents;
    if (contents && pending.slot.value < contents->messages.size()) {
      const queue::Content& content = contents->messages[pending.slot.value];
      said.octets = Bytes(content.owner, content.body);
    }
    reply(*stream, pending.epoch, pending.id, said);
    return true;
  });
}

}  // namespace warren::replica
