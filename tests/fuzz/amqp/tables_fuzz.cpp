// Field tables: the walk and the decoder accept the same octets, and encoding is a fixed point.
#include <cstddef>
#include <cstdint>

#include "broker/amqp/table.h"
#include "broker/base/check.h"

using namespace warren;
using namespace warren::amqp;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view octets(reinterpret_cast<const char*>(data), size);
  auto table = decode_table_fields(octets);
  TableWalk walk(octets);
  TableWalk::RawField field;
  std::size_t fields = 0;
  while (walk.next(field))
    ++fields;
  CHECK(table.has_value() == (walk.fault() == Fault::none));
  if (!table) return 0;
  CHECK(fields == table->size());
  std::string encoded = encode_table(*table);
  auto again = decode_table(encoded);
  CHECK(again.has_value());
  CHECK(encode_table(*again) == encoded);
  to_string(FieldValue(*table));
  return 0;
}
