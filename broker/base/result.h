// Result<T>: a value, or the Error that the peer or user gets. Absence that is normal is optional.
#pragma once

#include <expected>
#include <string>
#include <utility>

#include "broker/base/error.h"

namespace warren {

template <typename T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(ReplyCode code, std::string text) {
  return std::unexpected(Error{code, std::move(text)});
}

}  // namespace warren
