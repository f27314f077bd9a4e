// Methods: whatever decodes, encodes to a frame that decodes to the same method.
#include <cstddef>
#include <cstdint>

#include "broker/amqp/frame_format.h"
#include "broker/amqp/methods.h"

using namespace warren;
using namespace warren::amqp;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view payload(reinterpret_cast<const char*>(data), size);
  peek_method(payload);
  auto method = decode_method(payload);
  if (!method) return 0;
  OutputBuffer first;
  encode(*method, ChannelNumber(1), first);
  std::string frame = first.to_string();
  auto again =
      decode_method(std::string_view(frame).substr(frame_head_size, frame.size() - frame_overhead));
  CHECK(again.has_value());
  CHECK(again->index() == method->index());
  OutputBuffer second;
  encode(*again, ChannelNumber(1), second);
  CHECK(second.to_string() == frame);
  return 0;
}
