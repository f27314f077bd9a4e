// Bytes: an immutable slice of a shared buffer. Copying one copies a pointer, never the octets.
// The buffer lives as long as any slice of it. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "broker/base/check.h"

namespace warren {

class Bytes {
 public:
  Bytes() = default;
  // Takes the string's storage; no copy.
  explicit Bytes(std::string whole)
      : owner_(std::make_shared<const std::string>(std::move(whole))), view_(view_of(owner_)) {}
  // `view` must lie in memory that `owner` keeps alive and unchanged.
  Bytes(std::shared_ptr<const void> owner, std::string_view view)
      : owner_(std::move(owner)), view_(view) {}

  static Bytes copy_of(std::string_view octets) { return Bytes(std::string(octets)); }

  std::string_view view() const { return view_; }
  const char* data() const { return view_.data(); }
  std::size_t size() const { return view_.size(); }
  bool empty() const { return view_.empty(); }

  // A slice that shares the buffer. REQUIRES: offset + length <= size().
  Bytes slice(std::size_t offset, std::size_t length) const {
    CHECK(offset <= size() && length <= size() - offset, "slice {}+{} of {}", offset, length,
          size());
    return Bytes(owner_, view_.substr(offset, length));
  }
  const std::shared_ptr<const void>& owner() const { return owner_; }

  bool operator==(const Bytes& other) const { return view_ == other.view_; }

 private:
  static std::string_view view_of(const std::shared_ptr<const void>& owner) {
    return *static_cast<const std::string*>(owner.get());
  }

  std::shared_ptr<const void> owner_;
  std::string_view view_;
};

}  // namespace warren
