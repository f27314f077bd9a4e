// Ledger: which batches of which sessions a group has applied, and with what outcomes. Replicated:
// it is part of each group's state machine and changes only by applied entries, so every replica
// holds the same octets. Pure: any thread, one at a time. Architecture §8.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/ids.h"
#include "broker/base/result.h"
#include "broker/session/messages.h"

namespace warren::session {

enum class Admission : std::uint8_t {
  apply,      // n = last + 1
  duplicate,  // applied before; its outcome stands
  gap,        // a batch before it is missing; nothing may be applied
  ended,      // the session, or a later one of its node, was ended
};

class Ledger {
 public:
  Admission admit(SessionId session, BatchNumber number) const;
  // Makes `number` the session's last batch. REQUIRES: admit(session, number) is apply.
  void record(SessionId session, BatchNumber number, std::string outcome);
  // Forgets outcomes up to `through`. Harmless for an unknown or ended session.
  void release(SessionId session, BatchNumber through);
  // Ends this and every earlier incarnation of the node. The last batch and the outcomes of the
  // highest one are kept until a higher one is ended. Idempotent.
  void end(SessionId session);

  // Zero: none. For an ended session below its node's highest ended one, zero as well.
  BatchNumber last(SessionId session) const;
  bool ended(SessionId session) const;
  // Those after `after` that are still kept, in order.
  std::vector<BatchOutcome> outcomes(SessionId session, BatchNumber after) const;
  // Nothing: never applied, or released.
  std::optional<std::string> outcome(SessionId session, BatchNumber number) const;
  // Not ended ones that have applied a batch, in order.
  std::vector<SessionId> sessions() const;

  std::string serialise() const;
  static Result<Ledger> restore(std::string_view octets);
  bool operator==(const Ledger&) const = default;

 private:
  struct Account {
    BatchNumber last;
    std::deque<std::string> outcomes;  // of the batches that end with `last`
    BatchNumber before_first() const { return BatchNumber(last.value - outcomes.size()); }
    bool operator==(const Account&) const = default;
  };
  struct Closed {
    Incarnation incarnation;  // this and all before it are ended
    Account account;
    bool operator==(const Closed&) const = default;
  };

  const Account* find(SessionId session) const;

  std::map<SessionId, Account> live_;
  std::map<NodeId, Closed> ended_;
};

}  // namespace warren::session
