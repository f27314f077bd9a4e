#include "broker/queue/consumers.h"

#include <algorithm>
#include <utility>

#include "broker/base/check.h"

namespace warren::queue {

std::uint8_t wanted_pressure(const SessionFlow& flow, const DispatcherConfig& config) {
  const std::uint64_t tight = config.session_octets, most = 2 * config.session_octets;
  if (flow.octets >= most) return 2;
  if (flow.pressure == 2 && flow.octets >= most - most / 4) return 2;
  if (flow.octets >= tight) return 1;
  return flow.pressure > 0 && flow.octets >= tight - tight / 4 ? 1 : 0;
}

bool has_credit(const ConsumerState& state, const DispatcherConfig& config) {
  if (!state.attached || (state.cursor && state.cursor->at_end)) return false;
  const std::uint64_t window = state.pressure == 0   ? config.window_octets
                               : state.pressure == 1 ? config.tight_window_octets
                                                     : 1;
  if (state.octets >= window) return false;
  if (state.consumer.no_ack) return state.outstanding < config.no_ack_messages;
  return state.consumer.prefetch == 0 || state.outstanding < state.consumer.prefetch;
}

ConsumerState& Consumers::add(SessionId session, const Consumer& consumer,
                              const DispatcherConfig& config, SessionFlow* flow) {
  CHECK(find(session, consumer.number) == nullptr, "consumer {}", consumer.number);
  auto state = std::make_unique<ConsumerState>();
  state->session = session;
  state->consumer = consumer;
  state->flow = flow;
  state->pressure = flow == nullptr ? 0 : flow->pressure;
  ConsumerState& added = *all_.emplace_back(std::move(state));
  index_.emplace(std::pair(session, consumer.number), &added);
  refresh(added, config);
  elect(config);
  return added;
}

void Consumers::remove(ConsumerState& state, const DispatcherConfig& config) {
  leave_ring(state);
  if (active_ == &state) active_ = nullptr;
  drop_octets(state, state.octets);
  index_.erase(std::pair(state.session, state.consumer.number));
  std::erase_if(all_, [&](const auto& owned) { return owned.get() == &state; });
  elect(config);
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
  ++state.outstanding;
  const std::uint64_t octets = size + (state.consumer.no_ack ? 0 : config.message_octets);
  add_octets(state, octets);
  if (!state.consumer.no_ack) state.on_their_way.push_back(octets);
  refresh(state, config);
}

void Consumers::add_octets(ConsumerState& state, std::uint64_t octets) {
  state.octets += octets;
  if (state.flow != nullptr) state.flow->octets += octets;
}

void Consumers::drop_octets(ConsumerState& state, std::uint64_t octets) {
  state.octets -= octets;
  if (state.flow != nullptr) state.flow->octets -= octets;
}

void Consumers::charge(ConsumerState& state, std::uint32_t size, const DispatcherConfig& config) {
  ++state.outstanding;
  if (state.consumer.no_ack) add_octets(state, size);
  refresh(state, config);
  elect(config);
}

void Consumers::free(ConsumerState& state, std::uint32_t size, const DispatcherConfig& config) {
  CHECK(state.outstanding > 0, "consumer {}", state.consumer.number);
  --state.outstanding;
  if (state.consumer.no_ack) drop_octets(state, size);
  refresh(state, config);
  if (yields_) elect(config);
}

void Consumers::taken(ConsumerState& state, std::uint64_t messages,
                      const DispatcherConfig& config) {
  if (state.cursor)
    state.cursor->untaken -= std::min<std::uint64_t>(messages, state.cursor->untaken);
  for (; messages > 0 && !state.on_their_way.empty(); --messages) {
    drop_octets(state, state.on_their_way.front());
    state.on_their_way.pop_front();
  }
  refresh(state, config);
}

void Consumers::wait_for_more(ConsumerState& state, const DispatcherConfig& config) {
  state.cursor->at_end = true;
  refresh(state, config);
}

void Consumers::more(const DispatcherConfig& config) {
  for (const auto& state : all_)
    if (state->cursor && std::exchange(state->cursor->at_end, false)) refresh(*state, config);
}

void Consumers::acknowledged(ConsumerState& state, std::uint64_t messages,
                             const DispatcherConfig& config) {
  state.outstanding -= std::min(messages, state.outstanding);
  refresh(state, config);
  if (yields_) elect(config);
}

void Consumers::pass_over(ConsumerState& state, const DispatcherConfig& config) {
  const std::size_t at = state.cursor->untaken;
  if (at < state.on_their_way.size()) {
    const auto sizes = state.on_their_way.begin() + static_cast<std::ptrdiff_t>(at);
    drop_octets(state, *sizes);
    state.on_their_way.erase(sizes);
  }
  acknowledged(state, 1, config);
}

void Consumers::resume(ConsumerState& state, std::uint64_t outstanding,
                       const DispatcherConfig& config) {
  state.outstanding = outstanding;
  refresh(state, config);
  elect(config);
}

void Consumers::set_pressure(ConsumerState& state, std::uint8_t pressure,
                             const DispatcherConfig& config) {
  state.pressure = pressure;
  refresh(state, config);
}

// What it holds above a lower one stays with it.
void Consumers::set_prefetch(ConsumerState& state, std::uint32_t prefetch,
                             const DispatcherConfig& config) {
  state.consumer.prefetch = prefetch;
  refresh(state, config);
}

void Consumers::attach(ConsumerState& state, bool attached, const DispatcherConfig& config) {
  state.attached = attached;
  if (attached) state.absent = false;
  if (!state.consumer.no_ack) drop_octets(state, state.octets);
  state.on_their_way.clear();
  if (state.cursor) state.cursor->untaken = 0;
  refresh(state, config);
  elect(config);
}

void Consumers::give_up(SessionId session, const DispatcherConfig& config) {
  for (const auto& state : all_)
    if (state->session == session && !state->attached) state->absent = true;
  elect(config);
}

// Who holds something was active under the former leader. Else the highest priority, and of equals
// the first that came.
ConsumerState* Consumers::best_candidate() const {
  ConsumerState* best = nullptr;
  for (const auto& state : all_) {
    if (state->absent || (!state->attached && state.get() != active_)) continue;
    const auto rank = [](const ConsumerState& s) {
      return std::pair(s.outstanding > 0, s.consumer.priority);
    };
    if (best == nullptr || rank(*state) > rank(*best)) best = state.get();
  }
  return best;
}

// Chooses the active consumer. One stays until it is gone, or holds nothing and a higher priority
// waits: it is handed nothing more then.
void Consumers::elect(const DispatcherConfig& config) {
  if (!single_active_) return;
  ConsumerState* const before = active_;
  const bool stays = active_ != nullptr && !active_->absent;
  if (!stays || active_->outstanding == 0) {
    ConsumerState* best = best_candidate();
    const bool better = stays && best != nullptr && best->outstanding == 0 &&
                        best->consumer.priority <= active_->consumer.priority;
    if (!better) active_ = best;
  }
  yields_ = active_ != nullptr && std::ranges::any_of(all_, [this](const auto& state) {
              return state->attached && state->consumer.priority > active_->consumer.priority;
            });
  if (before != nullptr && before != active_) refresh(*before, config);
  if (active_ != nullptr) refresh(*active_, config);
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
  bool credit = has_credit(state, config) && may_be_served(state);
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
