#include "broker/replica/outcome_codec.h"

#include "broker/base/codec.h"

namespace warren::replica {

std::string encode_outcomes(std::span<const queue::Outcome> outcomes) {
  ByteWriter out;
  for (std::size_t i = 0; i < outcomes.size();) {
    std::size_t end = i;
    while (end < outcomes.size() && outcomes[end] == outcomes[i])
      ++end;
    out.varint(end - i);
    out.varint(static_cast<std::uint64_t>(outcomes[i].code));
    out.varint(outcomes[i].value);
    i = end;
  }
  return out.take();
}

Result<std::vector<queue::Outcome>> decode_outcomes(std::string_view octets, std::size_t expected) {
  ByteReader in(octets);
  std::vector<queue::Outcome> outcomes;
  while (in.ok() && !in.at_end()) {
    std::uint64_t count = in.varint();
    std::uint64_t code = in.varint();
    std::uint64_t value = in.varint();
    if (code > static_cast<std::uint64_t>(queue::OutcomeCode::session_ended) || count == 0 ||
        count > expected - outcomes.size())
      return fail(ReplyCode::internal_error, "malformed outcomes");
    outcomes.insert(outcomes.end(), count, {static_cast<queue::OutcomeCode>(code), value});
  }
  if (!in.ok() || outcomes.size() != expected)
    return fail(ReplyCode::internal_error, "malformed outcomes");
  return outcomes;
}

}  // namespace warren::replica
