#include "broker/amqp/output_buffer.h"

#include <algorithm>
#include <cstring>

namespace warren::amqp {

namespace {

// Drops the dead front of a vector once it is the larger half, so that the cost per element stays
// constant.
template <typename T>
void compact(std::vector<T>& items, std::size_t& first) {
  if (first < 32 || first * 2 < items.size()) return;
  items.erase(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(first));
  first = 0;
}

}  // namespace

void OutputBuffer::append(const char* data, std::size_t size) {
  while (size > 0) {
    if (block_used_ == block_size) start_block();
    std::size_t count = std::min(size, block_size - block_used_);
    std::memcpy(extend(count), data, count);
    data += count;
    size -= count;
  }
}

void OutputBuffer::append(const Bytes& slice) {
  if (slice.size() < copy_limit) return append(slice.view());
  runs_.push_back({slice.data(), slice.size(), slice.owner()});
  size_ += slice.size();
}

void OutputBuffer::append_all(OutputBuffer& other) {
  for (std::size_t i = other.first_run_; i < other.runs_.size(); ++i) {
    Run& run = other.runs_[i];
    if (run.owner == nullptr) {
      append(run.data, run.size);
    } else {
      size_ += run.size;
      runs_.push_back(std::move(run));
    }
  }
  other = OutputBuffer();
}

char* OutputBuffer::claim(std::size_t size) {
  CHECK(size > 0 && size <= block_size, "claim of {}", size);
  if (block_size - block_used_ < size) start_block();
  return extend(size);
}

// REQUIRES: the last block has room.
char* OutputBuffer::extend(std::size_t size) {
  Block& block = blocks_.back();
  char* to = block.octets.get() + block_used_;
  // Blocks may lie side by side in memory; a run never spans two.
  Run* last = block_used_ > 0 && first_run_ < runs_.size() ? &runs_.back() : nullptr;
  if (last != nullptr && last->owner == nullptr && last->data + last->size == to)
    last->size += size;
  else
    runs_.push_back({to, size, nullptr});
  block_used_ += size;
  block.live += size;
  size_ += size;
  return to;
}

void OutputBuffer::start_block() {
  bool has_block = first_block_ < blocks_.size();
  block_used_ = 0;
  if (has_block && blocks_.back().live == 0) return;
  if (spare_.empty()) {
    blocks_.push_back({std::make_unique_for_overwrite<char[]>(block_size), 0});
  } else {
    blocks_.push_back(std::move(spare_.back()));
    spare_.pop_back();
  }
}

std::size_t OutputBuffer::gather(std::span<Piece> pieces) const {
  std::size_t count = std::min(pieces.size(), runs_.size() - first_run_);
  for (std::size_t i = 0; i < count; ++i) {
    const Run& run = runs_[first_run_ + i];
    pieces[i] = {run.data, run.size};
  }
  return count;
}

void OutputBuffer::consume(std::size_t count) {
  CHECK(count <= size_, "consume {} of {}", count, size_);
  size_ -= count;
  while (count > 0) {
    Run& run = runs_[first_run_];
    std::size_t part = std::min(count, run.size);
    if (run.owner == nullptr) drop_from_block(part);
    run.data += part;
    run.size -= part;
    count -= part;
    if (run.size > 0) break;
    run.owner = nullptr;
    ++first_run_;
  }
  if (size_ == 0) return rewind();
  compact(runs_, first_run_);
  compact(blocks_, first_block_);
}

// Runs and blocks have one order, so what is consumed from a block is consumed from the first.
void OutputBuffer::drop_from_block(std::size_t count) {
  while (blocks_[first_block_].live == 0)
    ++first_block_;
  Block& block = blocks_[first_block_];
  CHECK(count <= block.live, "drop {} of {}", count, block.live);
  block.live -= count;
  bool filling = first_block_ + 1 == blocks_.size();
  if (block.live > 0 || filling) return;
  if (spare_.size() < spare_limit) spare_.push_back(std::move(block));
  ++first_block_;
}

// Empty: what is left of the block being filled is used again from its start.
void OutputBuffer::rewind() {
  runs_.clear();
  first_run_ = 0;
  if (first_block_ < blocks_.size()) block_used_ = 0;
  compact(blocks_, first_block_);
}

void OutputBuffer::shrink() {
  spare_.clear();
  spare_.shrink_to_fit();
  if (!empty()) return;
  runs_.clear();
  runs_.shrink_to_fit();
  blocks_.clear();
  blocks_.shrink_to_fit();
  first_block_ = 0;
  block_used_ = block_size;
}

std::string OutputBuffer::to_string() const {
  std::string out;
  for (std::size_t i = first_run_; i < runs_.size(); ++i)
    out.append(runs_[i].data, runs_[i].size);
  return out;
}

}  // namespace warren::amqp
