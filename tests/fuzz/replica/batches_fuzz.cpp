// Session batches: what decodes says the same once it was encoded again, and contents lie within
// the input.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "broker/base/check.h"
#include "broker/replica/command_codec.h"

using namespace warren;
using namespace warren::replica;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes blob(std::string(reinterpret_cast<const char*>(data), size));
  auto batch = decode_batch(blob);
  if (!batch) return 0;
  for (const queue::ClientCommand& command : batch->commands) {
    const auto* publish = std::get_if<queue::Publish>(&command);
    if (publish == nullptr || publish->content.body.empty()) continue;
    const char* body = publish->content.body.data();
    CHECK(body >= blob.view().data() &&
          body + publish->content.body.size() <= blob.view().data() + blob.size());
  }
  const Bytes again = encode_batch(batch->catalog_index, batch->commands);
  auto second = decode_batch(again);
  CHECK(second.has_value() && second->commands.size() == batch->commands.size());
  CHECK(encode_batch(second->catalog_index, second->commands).view() == again.view());
  return 0;
}
