#include "broker/cluster/answer_gate.h"

#include <utility>
#include <variant>

namespace warren::cluster {

void AnswerGate::hold(session::ToClient message, CatalogIndex applied) {
  held_.push_back({std::move(message), applied});
}

std::vector<session::ToClient> AnswerGate::release(BootTime now, const std::vector<NodeId>& nodes) {
  std::vector<session::ToClient> released;
  while (!held_.empty() && holders_.reached(held_.front().until, now, nodes)) {
    released.push_back(std::move(held_.front().message));
    held_.pop_front();
  }
  return released;
}

std::vector<session::ToClient> AnswerGate::end() {
  std::vector<session::ToClient> released;
  for (Held& held : held_)
    if (std::holds_alternative<session::NotLeader>(held.message.body))
      released.push_back(std::move(held.message));
  held_.clear();
  return released;
}

}  // namespace warren::cluster
