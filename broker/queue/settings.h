// What a queue was declared with, as far as its group must know it: written into the log by the
// leader with create, so that applying never reads a catalog. Pure value: any thread.
#pragma once

#include <optional>

#include "broker/base/codec.h"

namespace warren::queue {

struct Settings {
  bool durable = true;
  bool exclusive = false;
  bool auto_delete = false;

  // version (u8), then a length-prefixed body: a reader skips what a newer writer appended.
  void encode(ByteWriter& out) const;
  // Nothing: malformed.
  static std::optional<Settings> decode(ByteReader& in);

  bool operator==(const Settings&) const = default;
};

}  // namespace warren::queue
