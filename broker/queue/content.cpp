#include "broker/queue/content.h"

#include <cstring>
#include <utility>

namespace warren::queue {

Content own_copy(const Content& content) {
  auto buffer = std::make_shared_for_overwrite<char[]>(content.exchange.size() +
                                                       content.routing_key.size() + content.size());
  char* to = buffer.get();
  auto place = [&to](std::string_view part) {
    if (part.empty()) return std::string_view();
    std::memcpy(to, part.data(), part.size());
    return std::string_view(std::exchange(to, to + part.size()), part.size());
  };
  Content copy = content;
  copy.owner = std::move(buffer);
  copy.exchange = place(content.exchange);
  copy.routing_key = place(content.routing_key);
  copy.properties = place(content.properties);
  copy.body = place(content.body);
  return copy;
}

}  // namespace warren::queue
