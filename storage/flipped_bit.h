// Tells bit rot from a write cut short: a record of RocksDB's write-ahead log whose checksum is
// wrong, and would hold if one bit were another, was whole once. A power cut does not leave that
// but by chance (one in ten thousand). Pure: any thread. Architecture §6.
#pragma once

#include <string_view>

namespace warren::storage {

// `rest`: from the record's header to the end of its block or of the file. REQUIRES: its checksum
// does not hold.
bool one_bit_is_flipped(std::string_view rest);

}  // namespace warren::storage
