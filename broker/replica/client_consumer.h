// ClientConsumer: one consumer as its own node's GroupClient knows it. Plain data.
#pragma once

#include <optional>

#include "broker/queue/delivery.h"
#include "broker/replica/read_book.h"

namespace warren::replica {

struct ClientConsumer {
  queue::Consumer consumer;
  bool confirmed = false;
  bool cancelled = false;
  std::optional<ReadBook> reading;  // of a stream
  bool telling = false;             // the leader is being told how much of it is acknowledged
  bool untold = false;              // and there is more since
};

}  // namespace warren::replica
