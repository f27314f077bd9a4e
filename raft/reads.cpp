#include "raft/reads.h"

#include <algorithm>

namespace warren::raft {

void Reads::add(std::uint64_t context) {
  waiting_.push_back({context, Index(), 0});
}

bool Reads::open_round(Index commit) {
  if (waiting_.empty() || waiting_.back().round != 0) return false;
  ++round_;
  for (auto request = waiting_.rbegin(); request != waiting_.rend() && request->round == 0;
       ++request) {
    request->index = commit;
    request->round = round_;
  }
  return true;
}

void Reads::confirm(std::uint64_t round) {
  confirmed_round_ = std::max(confirmed_round_, round);
  while (!waiting_.empty() && waiting_.front().round != 0 && waiting_.front().round <= round) {
    confirmed_.push_back(waiting_.front());
    waiting_.pop_front();
  }
}

void Reads::fail() {
  for (const Request& request : waiting_)
    failed_.push_back(request.context);
  waiting_.clear();
  confirmed_round_ = 0;
}

std::vector<Ready::Read> Reads::take(Index applied) {
  std::vector<Ready::Read> answers;
  for (const std::uint64_t context : failed_)
    answers.push_back({context, false});
  failed_.clear();
  while (!confirmed_.empty() && confirmed_.front().index <= applied) {
    answers.push_back({confirmed_.front().context, true});
    confirmed_.pop_front();
  }
  return answers;
}

}  // namespace warren::raft
