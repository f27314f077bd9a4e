// A client's octets after the handshake: the parser finds the same frames however the reads split
// them, and contents come out whole and as large as declared.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "broker/amqp/content.h"

using namespace warren;
using namespace warren::amqp;

namespace {

struct Parsed {
  std::vector<std::string> payloads;
  bool refused = false;
};

// Shows the parser `step` octets more each time.
Parsed parse(std::string_view octets, std::size_t step) {
  FrameParser parser(frame_max_minimum);
  Parsed parsed;
  std::size_t begin = 0;
  for (std::size_t end = 0; end < octets.size() && !parsed.refused;) {
    end = std::min(octets.size(), end + step);
    std::string_view unread = octets.substr(begin, end - begin);
    for (bool more = true; more;) {
      auto frame = parser.next(unread);
      parsed.refused = !frame.has_value();
      more = frame && *frame;
      if (more) parsed.payloads.emplace_back((*frame)->payload);
    }
    begin = end - unread.size();
  }
  return parsed;
}

void assemble(std::string_view unread) {
  FrameParser parser(frame_max_minimum);
  ContentAssembler content(2048);
  while (true) {
    auto frame = parser.next(unread);
    if (!frame || !*frame) return;
    if (content.idle() && (*frame)->type == FrameType::method) {
      auto method = decode_method((*frame)->payload);
      if (!method) return;
      if (auto* publish = std::get_if<BasicPublish>(&*method)) content.begin(*publish);
      continue;
    }
    auto whole = content.add(**frame);
    if (!whole && whole.error().scope() == ErrorScope::connection) return;
    if (whole && *whole) CHECK(content.take().body.size() <= 2048);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view octets(reinterpret_cast<const char*>(data), size);
  match_protocol_header(octets);
  Parsed whole = parse(octets, octets.size() + 1);
  Parsed split = parse(octets, 3);
  CHECK(whole.payloads == split.payloads);
  CHECK(whole.refused == split.refused);
  assemble(octets);
  return 0;
}
