// Plays each *.txt of this folder and compares what happens with what it says. A line that begins
// with '>' is a command, '#' a remark; what follows a command is its expected output.
// `scenario_raft --rewrite` writes the output as it is now: read the difference before committing.
//
//   nodes 1 2 3 …           founds the group          stranger 4     an empty member
//   voters 1 2 …            names voters for `log`    log 1 T 1 1 2  a stored log: term, entry
//   terms tick N k                k ticks (* for all)       elect N        ticks N until it
//   campaigns; settles settle                  until nothing moves       propose N text, read N
//   context, transfer N M configure N voters … learners …                   cut A B, isolate N,
//   heal crash N, restart N      unsynced writes are lost  compact N      snapshot and drop the log
//   reset N                 N's streams break         logs, status, trace on|off
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/scenario/raft/world.h"

namespace warren::test {
namespace {

bool rewriting = false;

using raft::MemberId;
using Words = std::vector<std::string>;

std::string at(raft::Index index, raft::Term term) {
  return std::to_string(index.value) + "/" + std::to_string(term.value);
}

std::string describe(const raft::Message& m) {
  using enum raft::MessageKind;
  const std::string term = " term " + std::to_string(m.term.value);
  const std::string verdict = m.reject ? " refused" : " granted";
  const std::string round = m.round ? " round " + std::to_string(m.round) : "";
  switch (m.kind) {
    case pre_vote_request:
      return "pre_vote_request" + term + " log " + at(m.index, m.log_term);
    case pre_vote_reply:
      return "pre_vote_reply" + term + verdict;
    case vote_request:
      return "vote_request" + term + " log " + at(m.index, m.log_term) +
             (m.transfer ? " transfer" : "");
    case vote_reply:
      return "vote_reply" + term + verdict;
    case append_request:
      return "append_request" + term + " after " + at(m.index, m.log_term) + " entries " +
             std::to_string(m.entries.size()) + " commit " + std::to_string(m.commit.value) +
             (m.release ? " release" : "");
    case append_reply:
      return "append_reply" + term + (m.reject ? " refused " : " durable ") +
             std::to_string(m.index.value) +
             (m.reject ? " hint " + at(m.hint, m.log_term) : std::string()) +
             (m.abstain ? " abstains" : "");
    case heartbeat_request:
      return "heartbeat_request" + term + " commit " + std::to_string(m.commit.value) + round;
    case heartbeat_reply:
      return "heartbeat_reply" + term + round;
    case timeout_now:
      return "timeout_now" + term;
    case snapshot_installed:
      return "snapshot_installed" + term + " " + std::to_string(m.index.value);
    case tail_inquiry:
      return "tail_inquiry" + term;
    case tail_answer:
      return "tail_answer" + term + (m.reject ? " wait" : " durable " + at(m.index, m.log_term));
  }
  return "";
}

// Keeps nothing in memory that the store has, so that compaction shows.
raft::Config script_config() {
  raft::Config config;
  config.max_cached_bytes = 0;
  return config;
}

class Script {
 public:
  Script() : world_(script_config(), 1) {
    world_.trace = [this](const Packet& packet, bool delivered) {
      if (!tracing_) return;
      out_ << packet.from << " -> " << packet.to << " "
           << (packet.snapshot ? "snapshot " + at(packet.snapshot->index, packet.snapshot->term)
                               : describe(packet.message))
           << (delivered ? "" : "  (lost)") << "\n";
    };
  }

  std::string play(const std::string& line) {
    out_.str("");
    std::istringstream in(line);
    Words words;
    for (std::string word; in >> word;)
      words.push_back(word);
    run(words);
    report_reads();
    for (const std::string& violation : world_.invariants.violations())
      out_ << violation << "\n";
    for (const std::string& violation : world_.violations)
      out_ << violation << "\n";
    return out_.str();
  }

 private:
  using Command = void (Script::*)(const Words&);

  void run(const Words& words) {
    static const std::map<std::string, Command> commands = {
        {"nodes", &Script::nodes},         {"stranger", &Script::stranger},
        {"voters", &Script::voters},       {"log", &Script::log},
        {"tick", &Script::tick},           {"elect", &Script::elect},
        {"settle", &Script::settle},       {"propose", &Script::propose},
        {"read", &Script::read},           {"transfer", &Script::transfer},
        {"configure", &Script::configure}, {"cut", &Script::cut},
        {"isolate", &Script::isolate},     {"heal", &Script::heal},
        {"crash", &Script::crash},         {"restart", &Script::restart},
        {"compact", &Script::compact},     {"reset", &Script::reset},
        {"logs", &Script::logs},           {"status", &Script::status},
        {"trace", &Script::trace}};
    const auto command = commands.find(words.at(0));
    if (command == commands.end()) {
      out_ << "no such command\n";
      return;
    }
    (this->*command->second)(words);
  }

  static std::uint32_t number(const std::string& word) { return std::uint32_t(std::stoul(word)); }
  raft::Driver& driver(const Words& words) { return *world_.node(number(words.at(1))).driver; }

  void nodes(const Words& words) {
    raft::Configuration founding;
    for (std::size_t i = 1; i < words.size(); ++i) {
      founding.voters.push_back(World::member(number(words[i])));
    }
    for (const MemberId& voter : founding.voters)
      world_.create(voter.node, founding);
    world_.settle();
  }
  void stranger(const Words& words) { world_.create(number(words.at(1)), {}); }
  void voters(const Words& words) {
    for (std::size_t i = 1; i < words.size(); ++i) {
      stored_voters_.voters.push_back(World::member(number(words[i])));
    }
  }
  void log(const Words& words) {
    raft::GroupWrite write{
        World::group, raft::HardState{raft::Term(number(words.at(2))), {}, {}}, {}};
    for (std::size_t i = 3; i < words.size(); ++i) {
      write.entries.push_back(
          {raft::Term(number(words[i])), raft::Index(i - 2), raft::EntryKind::command, nullptr});
    }
    world_.prepare(number(words.at(1)), write, {{}, {}, stored_voters_});
    world_.node(number(words.at(1)))
        .store.compact(World::group, {{}, {}, stored_voters_}, "0", raft::Index(1));
    world_.restart(number(words.at(1)));
  }
  void tick(const Words& words) {
    for (std::uint32_t i = 0; i < number(words.at(2)); ++i) {
      for (auto& [n, node] : world_.nodes()) {
        if (node->driver && (words[1] == "*" || number(words[1]) == n)) node->driver->tick();
      }
      if (words[1] == "*") world_.settle();
    }
  }
  void elect(const Words& words) {
    world_.settle();
    for (int i = 0; i < 200; ++i) {
      driver(words).tick();
      if (!world_.node(number(words.at(1))).driver->idle()) break;
    }
    world_.settle();
  }
  void settle(const Words&) { world_.settle(); }
  void propose(const Words& words) {
    say(driver(words).propose(World::group, std::make_shared<const std::string>(words.at(2))));
  }
  void say(const raft::ProposeResult& result) {
    switch (result.outcome) {
      case raft::ProposeOutcome::proposed:
        out_ << "proposed " << at(result.index, result.term) << "\n";
        return;
      case raft::ProposeOutcome::not_leader:
        out_ << "not leader; try " << result.leader.node << "\n";
        return;
      case raft::ProposeOutcome::full:
        out_ << "full\n";
        return;
      case raft::ProposeOutcome::busy:
        out_ << "busy\n";
        return;
      case raft::ProposeOutcome::invalid:
        out_ << "invalid\n";
        return;
    }
  }
  void read(const Words& words) {
    const auto outcome = driver(words).read_index(World::group, number(words.at(2)));
    if (outcome != raft::ReadOutcome::accepted) out_ << "refused\n";
  }
  void report_reads() {
    for (auto& [n, node] : world_.nodes()) {
      for (const auto& [context, ok] : std::exchange(node->reads, {})) {
        out_ << "read " << context << (ok ? " may be answered by " : " failed on ") << n;
        if (ok) out_ << ", which has applied " << node->applied.value;
        out_ << "\n";
      }
    }
  }
  void transfer(const Words& words) {
    const auto outcome = driver(words).transfer(World::group, World::member(number(words.at(2))));
    if (outcome != raft::TransferOutcome::started) out_ << "refused\n";
  }
  void configure(const Words& words) {
    raft::Configuration next;
    std::vector<MemberId>* members = &next.voters;
    for (std::size_t i = 2; i < words.size(); ++i) {
      if (words[i] == "voters") continue;
      if (words[i] == "learners") {
        members = &next.learners;
        continue;
      }
      members->push_back(World::member(number(words[i])));
    }
    say(driver(words).propose_configuration(World::group, next));
  }
  void cut(const Words& words) {
    const std::uint32_t a = number(words.at(1));
    const std::uint32_t b = number(words.at(2));
    world_.cut.insert({{a, b}, {b, a}});
  }
  void isolate(const Words& words) {
    const std::uint32_t n = number(words.at(1));
    for (const auto& [other, node] : world_.nodes()) {
      if (other != n) world_.cut.insert({{n, other}, {other, n}});
    }
  }
  void heal(const Words&) { world_.cut.clear(); }
  void crash(const Words& words) { world_.crash(number(words.at(1))); }
  void restart(const Words& words) { world_.restart(number(words.at(1))); }
  void compact(const Words& words) {
    const std::uint32_t n = number(words.at(1));
    world_.compact(n, world_.node(n).applied.next());
  }
  void reset(const Words& words) {
    const std::uint32_t n = number(words.at(1));
    for (auto& [other, node] : world_.nodes()) {
      if (other != n && node->driver) node->driver->on_stream_reset(n);
    }
  }
  void logs(const Words&) {
    for (auto& [n, node] : world_.nodes()) {
      if (!node->driver) continue;
      out_ << n << ":";
      const raft::Status status = node->driver->status(World::group);
      for (raft::Index i(1); i <= status.last; i = i.next()) {
        const auto term = node->store.term(World::group, i);
        out_ << " " << (term ? std::to_string(term->value) : "-");
      }
      out_ << "\n";
    }
  }
  void status(const Words&) {
    for (auto& [n, node] : world_.nodes()) {
      if (!node->driver) {
        out_ << n << " is down\n";
        continue;
      }
      const raft::Status s = node->driver->status(World::group);
      out_ << n << (s.is_leader ? " leads" : " follows " + std::to_string(s.leader.node))
           << " term " << s.term.value << " last " << s.last.value << " commit " << s.commit.value
           << " applied " << s.applied.value << " voters";
      for (const MemberId& voter : s.configuration.voters)
        out_ << " " << voter.node;
      if (!s.configuration.learners.empty()) out_ << " learners";
      for (const MemberId& learner : s.configuration.learners)
        out_ << " " << learner.node;
      out_ << "\n";
    }
  }
  void trace(const Words& words) { tracing_ = words.at(1) == "on"; }

  World world_;
  raft::Configuration stored_voters_;
  bool tracing_ = false;
  std::ostringstream out_;
};

std::string replay(const std::string& text) {
  Script script;
  std::istringstream in(text);
  std::string out;
  bool skipping = false;  // the output of before
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("> ")) {
      out += line + "\n" + script.play(line.substr(2));
      skipping = true;
    } else if (line.empty() || line.starts_with("#")) {
      out += line + "\n";
      skipping = false;
    } else if (!skipping) {
      out += line + "\n";
    }
  }
  return out;
}

std::vector<std::string> scripts() {
  std::vector<std::string> found;
  for (const auto& file : std::filesystem::directory_iterator(SCENARIOS)) {
    if (file.path().extension() == ".txt" && file.path().filename() != "CMakeLists.txt") {
      found.push_back(file.path().stem().string());
    }
  }
  std::ranges::sort(found);
  return found;
}

class RaftScenario : public testing::TestWithParam<std::string> {};

TEST_P(RaftScenario, HappensAsWritten) {
  const std::string path = std::string(SCENARIOS) + "/" + GetParam() + ".txt";
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  const std::string now = replay(text.str());
  if (rewriting) {
    std::ofstream(path) << now;
    return;
  }
  EXPECT_EQ(text.str(), now) << "scenario_raft --rewrite writes it as it is now";
}

INSTANTIATE_TEST_SUITE_P(All, RaftScenario, testing::ValuesIn(scripts()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace warren::test

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--rewrite") {
      warren::test::rewriting = true;
      testing::GTEST_FLAG(filter) = "*RaftScenario*";
    }
  }
  return RUN_ALL_TESTS();
}
