#include "broker/frontend/delivery.h"

#include "broker/base/check.h"

namespace warren::frontend {

void UnackedTable::add(const Handed& handed) {
  CHECK(entries_.empty() || entries_.back().tag < handed.tag, "tag {}", handed.tag.value);
  entries_.push_back(handed);
  ++live_;
}

Handed* UnackedTable::find(DeliveryTag tag) {
  if (entries_.empty() || tag < entries_.front().tag) return nullptr;
  const std::uint64_t guess = tag.value - entries_.front().tag.value;
  if (guess < entries_.size() && entries_[guess].tag == tag)
    return entries_[guess].live ? &entries_[guess] : nullptr;
  auto found = std::lower_bound(entries_.begin(), entries_.end(), tag,
                                [](const Handed& entry, DeliveryTag t) { return entry.tag < t; });
  return found != entries_.end() && found->tag == tag && found->live ? &*found : nullptr;
}

void UnackedTable::tidy() {
  while (!entries_.empty() && !entries_.front().live)
    entries_.pop_front();
  if (entries_.size() > 2 * live_ + 1024)
    std::erase_if(entries_, [](const Handed& entry) { return !entry.live; });
}

void UnackedTable::restore(std::vector<Handed> taken) {
  if (taken.empty()) return;
  for (const Handed& entry : entries_)
    if (entry.live) taken.push_back(entry);
  std::ranges::sort(taken, {}, &Handed::tag);
  for (Handed& entry : taken)
    entry.live = true;
  live_ = taken.size();
  entries_.assign(taken.begin(), taken.end());
}

void UnackedTable::refuse(QueueId queue, std::span<const queue::Held> refused) {
  const std::set<queue::Held> set(refused.begin(), refused.end());
  for (Handed& entry : entries_)
    if (entry.live && entry.queue == queue && set.contains(entry.held)) entry.refused = true;
}

}  // namespace warren::frontend
