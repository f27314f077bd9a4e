// One member, a memory store, and hand-made messages from the others.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "raft/raft.h"
#include "tests/support/memory_log_store.h"

namespace warren::raft {

class RaftTest : public testing::Test {
 protected:
  static constexpr GroupId group{1};
  static MemberId member(std::uint32_t node) { return {node, 1, 1}; }

  static Configuration voters(std::uint32_t count) {
    Configuration configuration;
    for (std::uint32_t n = 1; n <= count; ++n)
      configuration.voters.push_back(member(n));
    return configuration;
  }

  StoredGroup stored() const {
    StoredGroup empty;
    empty.group = group;
    empty.self = member(1);
    return empty;
  }

  // Member 1 of a founded group, with entry 1 durable.
  Raft founded(std::uint32_t count) {
    Raft raft(config_, stored(), store_);
    raft.found(voters(count));
    take(raft);
    sync(raft);
    return raft;
  }

  Ready take(Raft& raft) {
    Ready ready = raft.take_ready();
    if (ready.number != 0) {
      store_.write(ready.number, {{group, ready.hard_state, ready.entries}});
    }
    return ready;
  }
  void sync(Raft& raft, std::size_t count = SIZE_MAX) {
    store_.sync(count);
    for (const std::uint64_t number : store_.take_completed())
      raft.on_persisted(number);
  }

  Message from(std::uint32_t node, MessageKind kind, Term term) const {
    Message message;
    message.kind = kind;
    message.group = group;
    message.from = member(node);
    message.to = member(1);
    message.term = term;
    return message;
  }
  Message append(Term term, Index after, Term after_term, std::vector<std::uint64_t> terms,
                 Index commit = Index()) const {
    Message message = from(2, MessageKind::append_request, term);
    message.index = after;
    message.log_term = after_term;
    message.commit = commit;
    for (const std::uint64_t t : terms) {
      after = after.next();
      message.entries.push_back({Term(t), after, EntryKind::command, nullptr});
    }
    return message;
  }
  // A candidate's request, with the end of its log.
  static Message asking(Message request, Index last, Term last_term) {
    request.index = last;
    request.log_term = last_term;
    return request;
  }
  Message acknowledge(std::uint32_t node, Term term, Index index) const {
    Message message = from(node, MessageKind::append_reply, term);
    message.index = index;
    return message;
  }

  // Ticks until it campaigns; leaves it a candidate whose own vote is not durable yet.
  void campaign(Raft& raft) {
    while (raft.role() == Role::follower)
      raft.tick();
    if (raft.role() != Role::pre_candidate) return;
    const Term next = raft.term().next();
    for (std::uint32_t n = 2; raft.role() == Role::pre_candidate; ++n) {
      raft.step(from(n, MessageKind::pre_vote_reply, next));
    }
  }
  // Makes it leader of term 2, its no-op (entry 2) durable here only.
  void lead(Raft& raft) {
    campaign(raft);
    take(raft);
    sync(raft);
    for (std::uint32_t n = 2; raft.role() == Role::candidate; ++n) {
      raft.step(from(n, MessageKind::vote_reply, raft.term()));
    }
    take(raft);
    sync(raft);
  }

  static std::size_t count(const std::vector<Message>& messages, MessageKind kind) {
    return std::size_t(std::ranges::count(messages, kind, &Message::kind));
  }
  static std::shared_ptr<const std::string> data(std::size_t size = 1) {
    return std::make_shared<const std::string>(size, 'x');
  }

  Config config_;
  test::MemoryLogStore store_;
};

}  // namespace warren::raft
