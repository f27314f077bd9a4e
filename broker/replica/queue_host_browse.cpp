// Reading a stream without a consumer: an exchange's history, on its way to what is bound to it.
// Nothing is held and nothing is counted, so a request that comes again reads again.
#include <utility>

#include "broker/replica/queue_host_stream.h"

namespace warren::replica {

bool QueueHost::serve_browse(const WaitingRequest& waiting, const BrowseRequest& request) {
  if (presence(request.catalog_index, request.queue) == Presence::coming) return false;
  PendingPage page{waiting.session, waiting.epoch, waiting.id, {}, {}};
  const queue::QueueRecord* record = state_.machine().find(request.queue);
  if (record == nullptr || !record->stream)
    page.said.error = queue_gone(request.queue);
  else
    fill(page, *record, request.from);
  pages_.push_back(std::move(page));
  return true;
}

// No more entries than are read at a time: each may have a MiB however small the message is.
void QueueHost::fill(PendingPage& page, const queue::QueueRecord& record, Ordinal from) {
  queue::BrowsedPage& said = page.said.page;
  said.end = record.messages.next(queue::LevelNumber());
  said.next = said.end;
  std::vector<queue::Message> messages;
  record.messages.read(from, config_.page_messages + 1, messages);
  std::size_t octets = 0, entries = 0;
  EntryIndex last;
  for (const queue::Message& message : messages) {
    if (message.id.entry != last) ++entries;
    octets += message.octets();
    const bool first = said.messages.empty();
    if (!first && (octets > config_.page_octets || entries > config_.reads ||
                   said.messages.size() == config_.page_messages)) {
      said.next = message.ordinal;
      break;
    }
    last = message.id.entry;
    queue::Delivery& delivery = said.messages.emplace_back();
    delivery.queue = record.id;
    delivery.held.message = message.id;
    delivery.offset = message.ordinal;
    if (const auto* parts = state_.machine().large_bodies().parts_of(message.id))
      delivery.parts = *parts;
    page.wanted.push_back(want(message.id.entry));
  }
}

void QueueHost::answer_pages() {
  if (!to_read_.empty()) ports_.read_entries(std::exchange(to_read_, {}));
  std::erase_if(pages_, [this](PendingPage& pending) {
    for (const auto& wanted : pending.wanted)
      if (!wanted->arrived) return false;
    Stream* stream = find_stream(pending.session);
    if (stream == nullptr) return true;
    std::vector<queue::Delivery>& messages = pending.said.page.messages;
    std::vector<queue::Delivery> there;
    for (std::size_t i = 0; i < messages.size(); ++i) {
      const auto& contents = pending.wanted[i]->contents;
      const std::uint32_t slot = messages[i].held.message.slot.value;
      if (!contents || slot >= contents->messages.size()) continue;
      messages[i].entry_term = contents->term;
      messages[i].content = contents->messages[slot];
      there.push_back(std::move(messages[i]));
    }
    messages = std::move(there);
    reply(*stream, pending.epoch, pending.id, pending.said);
    return true;
  });
}

}  // namespace warren::replica
