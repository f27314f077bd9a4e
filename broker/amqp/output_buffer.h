// OutputBuffer: octets on their way to a socket, as pieces for one gathered write. Small ones are
// copied into blocks that are used again; large ones stay slices of their shared buffer. Knows
// nothing of frames. Owned by one connection; pure: its reactor, one at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/bytes.h"

namespace warren::amqp {

class OutputBuffer {
 public:
  static constexpr std::size_t block_size = 16 * 1024;
  // A slice shorter than this is copied: a piece of its own costs more than the copy.
  static constexpr std::size_t copy_limit = 4 * 1024;

  struct Piece {
    const char* data = nullptr;
    std::size_t size = 0;
  };

  void append(const char* data, std::size_t size);
  void append(std::string_view octets) { append(octets.data(), octets.size()); }
  // Keeps the slice alive until it is consumed, or copies it when it is small.
  void append(const Bytes& slice);
  // All that the other one holds, which is then empty. Slices are kept as slices.
  void append_all(OutputBuffer& other);

  // `size` contiguous octets at the end, to be filled before the next gather().
  // REQUIRES: size <= block_size.
  char* claim(std::size_t size);

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // Fills `pieces` from the front with what is to be written next; returns how many it filled.
  // They stay valid until consumed, whatever is appended meanwhile.
  std::size_t gather(std::span<Piece> pieces) const;
  // Drops `count` octets from the front. REQUIRES: count <= size().
  void consume(std::size_t count);

  // Gives back the memory that an empty buffer keeps for the next write.
  void shrink();

  // Everything in one string, for tests and for tiny replies.
  std::string to_string() const;

 private:
  static constexpr std::size_t spare_limit = 4;

  struct Block {
    std::unique_ptr<char[]> octets;
    std::size_t live = 0;  // octets not yet consumed
  };
  struct Run {
    const char* data = nullptr;
    std::size_t size = 0;
    std::shared_ptr<const void> owner;  // of a slice; null: in a block
  };

  char* extend(std::size_t size);
  void start_block();
  void drop_from_block(std::size_t count);
  void rewind();

  std::vector<Run> runs_;  // [first_run_, end) are live
  std::size_t first_run_ = 0;
  std::vector<Block> blocks_;  // [first_block_, end) are live, the last one being filled
  std::size_t first_block_ = 0;
  std::size_t block_used_ = block_size;  // of the last block
  std::vector<Block> spare_;
  std::size_t size_ = 0;
};

}  // namespace warren::amqp
