#include "broker/queue/consumers.h"

#include <algorithm>

#include "broker/base/check.h"

namespace warren::queue {

bool has_credit(const ConsumerState& state, const DispatcherConfig& config) {
  if (!state.attached) return false;
  if (state.consumer.no_ack)
    return state.outstanding < config.no_ack_messages && state.octets < config.no_ack_octets;
  if (state.consumer.prefetch == 0) return state.octets < config.unlimited_octets;
  return state.outstanding < state.consumer.prefetch;
}

ConsumerState& Consumers::add(SessionId session, const Consumer& consumer,
                              const DispatcherConfig& config) {
  CHECK(find(session, consumer.number) == nullptr, "consumer {}", consumer.number);
  auto state = std::make_unique<ConsumerState>();
  state->session = session;
  state->consumer = consumer;
  ConsumerState& added = *all_.emplace_back(std::move(state));
  index_.emplace(std::pair(session, consumer.number), &added);
  refresh(added, config);
  return added;
}

void Consumers::remove(ConsumerState& state) {
  leave_ring(state);
  index_.erase(std::pair(state.session, state.consumer.number));
  std::erase_if(all_, [&](const auto& owned) { return owned.get() == &state; });
}

ConsumerState* Consumers::find(SessionId session, ConsumerNumber number) const {
  auto it = index_.find(std::pair(session, number));
  return it == index_.end() ? nullptr : it->second;
}

ConsumerState* Consumers::front() const {
  return rings_.empty() ? nullptr : rings_.begin()->second.front();
}

void Consumers::served(ConsumerState& state, std::uint32_t size, const DispatcherConfig& config) {
  CHECK(&state == front(), "consumer {} is not next", state.consumer.number);
  leave_ring(state);
  charge(state, size, config);
}

void Consumers::charge(ConsumerState& state, std::uint32_t size, const DispatcherConfig& config) {
  ++state.outstanding;
  state.octets += size;
  refresh(state, config);
}

void Consumers::free(ConsumerState& state, std::uint32_t size, const DispatcherConfig& config) {
  CHECK(state.outstanding > 0 && state.octets >= size, "consumer {}", state.consumer.number);
  --state.outstanding;
  state.octets -= size;
  refresh(state, config);
}

void Consumers::attach(ConsumerState& state, bool attached, const DispatcherConfig& config) {
  state.attached = attached;
  refresh(state, config);
}

bool Consumers::exclusive() const {
  return std::any_of(all_.begin(), all_.end(),
                     [](const auto& state) { return state->consumer.exclusive; });
}

void Consumers::for_each_waiting(const std::function<void(ConsumerState&)>& visit) const {
  for (const auto& [priority, ring] : rings_)
    for (ConsumerState* state : ring)
      visit(*state);
}

void Consumers::refresh(ConsumerState& state, const DispatcherConfig& config) {
  bool credit = has_credit(state, config);
  if (credit == state.queued) return;
  if (!credit) return leave_ring(state);
  rings_[state.consumer.priority].push_back(&state);
  state.queued = true;
}

void Consumers::leave_ring(ConsumerState& state) {
  if (!state.queued) return;
  auto it = rings_.find(state.consumer.priority);
  auto& ring = it->second;
  if (ring.front() == &state)
    ring.pop_front();
  else
    ring.erase(std::find(ring.begin(), ring.end(), &state));
  if (ring.empty()) rings_.erase(it);
  state.queued = false;
}

}  // namespace warren::queue
