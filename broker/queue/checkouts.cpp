#include "broker/queue/checkouts.h"

#include <algorithm>

#include "broker/base/check.h"

namespace warren::queue {

void Checkouts::insert(MessageId message, const Checkout& checkout) {
  bool inserted = items_.emplace(message, checkout).second;
  CHECK(inserted, "message {}/{} is checked out twice", message.entry, message.slot);
  if (!checkout.settling) ++held_;
  if (checkout.ahead) ++ahead_;
  octets_ += checkout.size;
}

const Checkout* Checkouts::find(MessageId message) const {
  auto it = items_.find(message);
  return it == items_.end() ? nullptr : &it->second;
}

void Checkouts::renew(MessageId message, CheckoutId id, CheckoutId before) {
  auto at = items_.find(message);
  CHECK(at != items_.end() && !at->second.settling, "message {} is not held", message.entry);
  at->second.id = id;
  at->second.before = before;
}

void Checkouts::start_settling(MessageId message) {
  auto it = items_.find(message);
  CHECK(it != items_.end() && !it->second.settling, "message {}/{}", message.entry, message.slot);
  it->second.settling = true;
  --held_;
}

void Checkouts::pass(MessageId message) {
  auto it = items_.find(message);
  CHECK(it != items_.end() && it->second.ahead, "message {}/{}", message.entry, message.slot);
  it->second.ahead = false;
  --ahead_;
}

Checkout Checkouts::erase(MessageId message) {
  auto it = items_.find(message);
  CHECK(it != items_.end(), "message {}/{} is not checked out", message.entry, message.slot);
  Checkout checkout = it->second;
  items_.erase(it);
  if (!checkout.settling) --held_;
  if (checkout.ahead) --ahead_;
  octets_ -= checkout.size;
  return checkout;
}

// The map's own order never shows: what leaves here is sorted.
std::vector<Checkouts::Item> Checkouts::all() const {
  std::vector<Item> found(items_.begin(), items_.end());
  std::sort(found.begin(), found.end(),
            [](const Item& a, const Item& b) { return a.first < b.first; });
  return found;
}

std::vector<Checkouts::Item> Checkouts::of(SessionId session) const {
  std::vector<Item> found;
  for (const auto& item : items_)
    if (item.second.session == session) found.push_back(item);
  std::sort(found.begin(), found.end(),
            [](const Item& a, const Item& b) { return a.first < b.first; });
  return found;
}

}  // namespace warren::queue
