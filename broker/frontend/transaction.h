// Transaction: what a transactional channel has published and settled since its last commit or
// rollback, and how far its commit has come. Owned by the channel; pure: its reactor.
// Source: AMQP 0-9-1 class tx; docs/decisions/0006-transactions.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "broker/frontend/delivery.h"
#include "broker/frontend/upload.h"
#include "broker/queue/client_command.h"

namespace warren::frontend {

struct Transaction {
  // A message that was checked and routed when it came.
  struct Published {
    queue::Publish command;  // but for its origin and queues
    queue::Content whole;    // with what of its body was kept here: to be returned, or as a reply
    Destinations to;         // empty: it is returned by the commit
    bool mandatory = false;
  };
  struct Settled {
    Handed handed;
    queue::SettleKind kind;
  };
  enum class Phase : std::uint8_t {
    open,
    publishing,  // commit: the publishes have no outcome yet
    settling     // all of them were accepted; the settles have none yet
  };

  std::vector<Published> published;
  std::vector<Settled> settled;
  std::size_t octets = 0;  // of `published`
  Phase phase = Phase::open;
  std::uint64_t wait = 0;     // the channel's, of tx.commit
  std::size_t undecided = 0;  // commands and replies of this phase
  bool refused = false;       // one of them was not accepted
};

}  // namespace warren::frontend
