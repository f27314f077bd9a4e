#include "broker/replica/holdings.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

namespace warren::replica {

void Holdings::add(QueueId queue, const queue::Held& held, std::uint64_t channel,
                   ConsumerNumber consumer) {
  held_.insert_or_assign(Key{queue, held}, Holding{channel, consumer, held.checkout});
}

std::optional<queue::Held> Holdings::take(QueueId queue, const queue::Held& held) {
  auto at = held_.find(Key{queue, held});
  if (at == held_.end()) return std::nullopt;
  queue::Held now{held.message, at->second.now};
  held_.erase(at);
  return now;
}

std::map<QueueId, std::vector<queue::Held>> Holdings::of_channel(std::uint64_t channel) const {
  std::map<QueueId, std::vector<queue::Held>> found;
  for (const auto& [key, holding] : held_)
    if (holding.channel == channel) found[key.queue].push_back(key.held);
  return found;
}

std::vector<Holdings::Claimed> Holdings::claimed() const {
  std::map<std::pair<QueueId, ConsumerNumber>, std::vector<queue::Held>> lists;
  for (const auto& [key, holding] : held_)
    lists[{key.queue, holding.consumer}].push_back({key.held.message, holding.now});
  std::vector<Claimed> claims;
  for (auto& [key, held] : lists)
    claims.push_back({key.first, key.second, std::move(held)});
  return claims;
}

void Holdings::renew(std::span<const queue::ClaimReply::Renewed> renewed) {
  if (renewed.empty()) return;
  std::map<queue::Held, CheckoutId> now;
  for (const auto& r : renewed)
    now[{r.message, r.before}] = r.now;
  for (auto& [key, holding] : held_)
    if (auto at = now.find({key.held.message, holding.now}); at != now.end())
      holding.now = at->second;
}

std::vector<Holdings::Refused> Holdings::refuse(const std::vector<queue::Held>& refused) {
  std::set<queue::Held> gone(refused.begin(), refused.end());
  std::map<std::pair<std::uint64_t, QueueId>, std::vector<queue::Held>> told;
  for (auto at = held_.begin(); at != held_.end();) {
    if (!gone.contains({at->first.held.message, at->second.now})) {
      ++at;
      continue;
    }
    told[{at->second.channel, at->first.queue}].push_back(at->first.held);
    at = held_.erase(at);
  }
  std::vector<Refused> result;
  for (auto& [key, held] : told)
    result.push_back({key.first, key.second, std::move(held)});
  return result;
}

}  // namespace warren::replica
