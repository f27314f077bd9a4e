// One queue's consumers on its leader, and whose turn it is: higher priority first, round robin
// among equals, only those with credit. Owned by a DispatchQueue; pure.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "broker/base/ids.h"
#include "broker/queue/delivery.h"
#include "broker/queue/dispatcher_config.h"
#include "broker/queue/stream_cursor.h"

namespace warren::queue {

// All that is on its way to one session's consumers.
struct SessionFlow {
  std::uint64_t octets = 0;
  std::uint8_t pressure = 0;  // 0: none, 1: smaller windows, 2: one message at a time
};
// What the pressure should be now. Falls later than it rises, so that it changes seldom.
std::uint8_t wanted_pressure(const SessionFlow& flow, const DispatcherConfig& config);

struct ConsumerState {
  SessionId session;
  Consumer consumer;
  std::uint64_t outstanding = 0;           // handed out and not settled, messages
  std::uint64_t octets = 0;                // on their way; with automatic acks: not settled
  std::deque<std::uint64_t> on_their_way;  // sizes, in order; not with automatic acks
  SessionFlow* flow = nullptr;             // its session's; null: unbounded
  std::uint8_t pressure = 0;               // the flow's, as this consumer was last told
  bool attached = true;                    // its session's stream is up
  bool absent = false;                     // and was not, for longer than the grace
  bool touched = false;                    // the (session, queue) bit is committed
  bool queued = false;                     // stands in a ring
  std::unique_ptr<StreamCursor> cursor;    // of a stream
};

// May it be handed one more? A message larger than a byte window still passes when it is alone.
bool has_credit(const ConsumerState& state, const DispatcherConfig& config);

class Consumers {
 public:
  using All = std::vector<std::unique_ptr<ConsumerState>>;

  // Of a queue with a single active consumer: only that one is served. Features §4.7.
  void set_single_active(bool single) { single_active_ = single; }
  // REQUIRES: not there yet.
  ConsumerState& add(SessionId session, const Consumer& consumer, const DispatcherConfig& config,
                     SessionFlow* flow = nullptr);
  void remove(ConsumerState& state, const DispatcherConfig& config);
  ConsumerState* find(SessionId session, ConsumerNumber number) const;

  // Whose turn it is; nobody: none has credit.
  ConsumerState* front() const;
  bool anyone_waits() const { return !rings_.empty(); }
  // Books a message and ends the turn of front(). REQUIRES: &state == front().
  void served(ConsumerState& state, std::uint32_t size, const DispatcherConfig& config);
  // Books a message that it already holds.
  void charge(ConsumerState& state, std::uint32_t size, const DispatcherConfig& config);
  void free(ConsumerState& state, std::uint32_t size, const DispatcherConfig& config);
  // The socket has taken so many of the messages that it was handed.
  void taken(ConsumerState& state, std::uint64_t messages, const DispatcherConfig& config);
  void set_pressure(ConsumerState& state, std::uint8_t pressure, const DispatcherConfig& config);
  void set_prefetch(ConsumerState& state, std::uint32_t prefetch, const DispatcherConfig& config);
  // --- Of a stream.
  // Its cursor has come to the end: nothing for it until more().
  void wait_for_more(ConsumerState& state, const DispatcherConfig& config);
  void more(const DispatcherConfig& config);
  void acknowledged(ConsumerState& state, std::uint64_t messages, const DispatcherConfig& config);
  // The first that was handed out to it and is not delivered never will be.
  void pass_over(ConsumerState& state, const DispatcherConfig& config);
  void resume(ConsumerState& state, std::uint64_t outstanding, const DispatcherConfig& config);

  // What was on its way on a former stream is not any more.
  void attach(ConsumerState& state, bool attached, const DispatcherConfig& config);

  // The session was away for longer than the grace: another one may be the active consumer.
  void give_up(SessionId session, const DispatcherConfig& config);

  // False: another one is the single active consumer, or is about to be.
  bool may_be_served(const ConsumerState& state) const {
    return !single_active_ || (&state == active_ && !yields_);
  }
  // False: another one is the single active consumer, or nobody is.
  bool is_active(const ConsumerState& state) const { return !single_active_ || &state == active_; }
  bool exclusive() const;
  bool empty() const { return all_.empty(); }
  std::size_t size() const { return all_.size(); }
  const All& all() const { return all_; }  // in order of registration
  // visit(ConsumerState&) for each that stands in a ring, in order of turns.
  void for_each_waiting(const std::function<void(ConsumerState&)>& visit) const;

 private:
  static void add_octets(ConsumerState& state, std::uint64_t octets);
  static void drop_octets(ConsumerState& state, std::uint64_t octets);
  void elect(const DispatcherConfig& config);
  ConsumerState* best_candidate() const;
  void refresh(ConsumerState& state, const DispatcherConfig& config);
  void leave_ring(ConsumerState& state);

  All all_;
  bool single_active_ = false;
  ConsumerState* active_ = nullptr;
  bool yields_ = false;  // the active one, to a higher priority, once it holds nothing
  std::map<std::pair<SessionId, ConsumerNumber>, ConsumerState*> index_;
  std::map<std::int32_t, std::deque<ConsumerState*>, std::greater<>> rings_;  // none empty
};

}  // namespace warren::queue
