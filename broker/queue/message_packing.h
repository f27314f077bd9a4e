// How identities, sizes and deadlines of successive messages are written: as runs of steps from
// the message before. Used by MessageList for its blocks and for snapshots. Pure.
//
//   run := head (u8), [repeat: varint], [entry delta: varint, slot: varint],
//          [size: varint, [properties: varint]], [deadline delta: zigzag]
//   head: bits 0-1 the step, bit 2 a size follows, bit 3 a deadline follows, bits 4-7 the number of
//         messages (0: more than 15, a varint follows). The size is that of the body, doubled, plus
//         one when that of the properties follows. All messages of a run have the same sizes and
//         deadline; those after the first repeat its step.
#pragma once

#include <cstdint>

#include "broker/base/codec.h"
#include "broker/queue/message_list.h"

namespace warren::queue {

enum class PackedStep : std::uint8_t {
  next_slot = 0,   // of the same entry
  next_entry = 1,  // its slot 0
  jump = 2,        // anywhere in this entry, or in one above
  jump_back = 3,   // in an entry below: the delta is taken off
};

constexpr bool is_jump(PackedStep step) {
  return step == PackedStep::jump || step == PackedStep::jump_back;
}

class MessagePacker {
 public:
  explicit MessagePacker(ByteWriter& out) : out_(out) {}

  // In order. Ordinals are the caller's business.
  void add(const Message& message) {
    PackedStep step = step_to(message.id);
    if (repeat_ > 0 && step == step_ && !is_jump(step) && message.size == last_.size &&
        message.properties == last_.properties && message.deadline == last_.deadline) {
      ++repeat_;
    } else {
      finish();
      start_run(step, message);
    }
    last_ = message;
  }

  void finish() {
    if (repeat_ == 0) return;
    bool long_run = repeat_ > 15;
    out_.u8(static_cast<std::uint8_t>(head_ | (long_run ? 0 : repeat_ << 4)));
    if (long_run) out_.varint(repeat_);
    out_.raw(rest_.str());
    repeat_ = 0;
  }

 private:
  PackedStep step_to(MessageId id) const {
    if (id.entry == last_.id.entry && id.slot == last_.id.slot.next()) return PackedStep::next_slot;
    if (id.entry == last_.id.entry.next() && id.slot == Slot(0)) return PackedStep::next_entry;
    return id.entry < last_.id.entry ? PackedStep::jump_back : PackedStep::jump;
  }

  void start_run(PackedStep step, const Message& message) {
    bool headed = message.properties != last_.properties;
    bool sized = headed || message.size != last_.size;
    bool dated = message.deadline != last_.deadline;
    head_ = static_cast<std::uint8_t>(static_cast<unsigned>(step) | (sized ? 4u : 0u) |
                                      (dated ? 8u : 0u));
    rest_ = ByteWriter();
    if (is_jump(step)) {
      rest_.varint(step == PackedStep::jump ? message.id.entry.value - last_.id.entry.value
                                            : last_.id.entry.value - message.id.entry.value);
      rest_.varint(message.id.slot.value);
    }
    if (sized) rest_.varint(std::uint64_t{message.size} * 2 + (headed ? 1 : 0));
    if (headed) rest_.varint(message.properties);
    if (dated)
      rest_.zigzag(static_cast<std::int64_t>(message.deadline.value - last_.deadline.value));
    step_ = step;
    repeat_ = 1;
  }

  ByteWriter& out_;
  ByteWriter rest_;
  Message last_;
  PackedStep step_ = PackedStep::jump;
  std::uint8_t head_ = 0;
  std::uint64_t repeat_ = 0;
};

class MessageUnpacker {
 public:
  explicit MessageUnpacker(ByteReader& in) : in_(in) {}

  // Fills everything but the ordinal. False: malformed.
  bool next(Message& out) {
    if (repeat_ == 0 && !start_run()) return false;
    --repeat_;
    if (step_ == PackedStep::next_slot) {
      ++last_.id.slot;
    } else if (step_ == PackedStep::next_entry) {
      ++last_.id.entry;
      last_.id.slot = Slot(0);
    }
    out = last_;
    return true;
  }

 private:
  bool start_run() {
    std::uint8_t head = in_.u8();
    repeat_ = head >> 4;
    if (repeat_ == 0) repeat_ = in_.varint();
    step_ = static_cast<PackedStep>(head & 3);
    if (repeat_ == 0) return false;
    if (is_jump(step_)) {
      if (repeat_ != 1) return false;
      const std::uint64_t delta = in_.varint();
      last_.id.entry.value += step_ == PackedStep::jump ? delta : -delta;
      last_.id.slot = Slot(static_cast<std::uint32_t>(in_.varint()));
    }
    if ((head & 4) != 0) {
      const std::uint64_t size = in_.varint();
      last_.size = static_cast<std::uint32_t>(size / 2);
      if (size % 2 != 0) last_.properties = static_cast<std::uint32_t>(in_.varint());
    }
    if ((head & 8) != 0) last_.deadline.value += static_cast<std::uint64_t>(in_.zigzag());
    return in_.ok();
  }

  ByteReader& in_;
  Message last_;
  PackedStep step_ = PackedStep::jump;
  std::uint64_t repeat_ = 0;
};

}  // namespace warren::queue
