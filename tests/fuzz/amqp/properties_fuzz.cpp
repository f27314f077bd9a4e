// Basic properties: scan and decoder accept the same octets and see the same, and editing headers
// yields what decodes.
#include <array>
#include <cstddef>
#include <cstdint>

#include "broker/amqp/properties.h"
#include "broker/base/check.h"

using namespace warren;
using namespace warren::amqp;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view raw(reinterpret_cast<const char*>(data), size);
  auto scan = scan_properties(raw);
  auto properties = decode_properties(raw);
  CHECK(scan.has_value() == properties.has_value());
  if (!scan) return 0;
  CHECK(scan->priority == properties->priority);
  CHECK(scan->reply_to == properties->reply_to);
  CHECK(scan->expiration == properties->expiration);
  CHECK(scan->user_id == properties->user_id);
  CHECK(scan->has_cc == (properties->headers && properties->headers->contains("CC")));
  CHECK(headers_of(*scan).size() == (properties->headers ? properties->headers->size() : 0));

  std::string encoded = encode_properties(*properties);
  CHECK(encode_properties(decode_properties(encoded).value()) == encoded);

  std::array<HeaderEdit, 2> edits{{{"CC", std::nullopt}, {"x-death", FieldValue(FieldArray{})}}};
  auto edited = edit_headers(raw, edits);
  CHECK(edited.has_value());
  auto after = decode_properties(*edited);
  // One value more may be one too many.
  if (!after) return 0;
  CHECK(after->headers->contains("x-death") && !after->headers->contains("CC"));
  return 0;
}
