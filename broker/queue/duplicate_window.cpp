#include "broker/queue/duplicate_window.h"

namespace warren::queue {

bool DuplicateWindow::knows(const DuplicateKey& key, Stamp now, const Bounds& bounds) {
  while (!order_.empty() && bounds.time_ms && order_.front().at.next(*bounds.time_ms) <= now)
    forget_first();
  return keys_.contains(key);
}

void DuplicateWindow::add(const DuplicateKey& key, Stamp now, const Bounds& bounds) {
  while (!order_.empty() && order_.size() >= bounds.keys)
    forget_first();
  keys_.insert(key);
  order_.push_back({now, key});
}

void DuplicateWindow::forget_first() {
  keys_.erase(order_.front().key);
  order_.pop_front();
}

std::size_t DuplicateWindow::memory_octets() const {
  return order_.size() * sizeof(Taken) + keys_.bucket_count() * (sizeof(DuplicateKey) + 1);
}

// How many, then each: how much later it came than the one before, and the key.
void DuplicateWindow::encode(ByteWriter& out) const {
  out.varint(order_.size());
  Stamp before;
  for (const Taken& taken : order_) {
    out.varint(taken.at.value - before.value);
    out.u64_be(taken.key.high);
    out.u64_be(taken.key.low);
    before = taken.at;
  }
}

bool DuplicateWindow::decode(ByteReader& in) {
  const std::uint64_t count = in.varint();
  Stamp at;
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    at.value += in.varint();
    const std::uint64_t high = in.u64_be();
    const DuplicateKey key{high, in.u64_be()};
    if (!keys_.insert(key).second) return false;
    order_.push_back({at, key});
  }
  return in.ok();
}

}  // namespace warren::queue
